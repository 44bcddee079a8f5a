"""A few daemon threads with a bounded queue: for work that would hold up the event loop."""

import threading
from collections import deque
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

Result = TypeVar("Result")


class PoolFullError(Exception):
    """So much work waits already that more of it would come too late."""


@dataclass(frozen=True, slots=True)
class _Job:
    work: Callable[[], Any]
    key: Hashable
    future: Future[Any]


class Pool:
    """Runs work in threads of its own. They are daemons: the process ends without waiting for them."""

    def __init__(self, name: str, threads: int, most_waiting: int) -> None:
        """`most_waiting` bounds the work that no thread has begun yet."""
        self._most_waiting = most_waiting
        self._changed = threading.Condition()
        self._waiting: deque[_Job] = deque()
        self._shared: dict[Hashable, Future[Any]] = {}
        for _ in range(threads):
            threading.Thread(target=self._run, name=name, daemon=True).start()

    def submit(self, work: Callable[[], Result], key: Hashable = None) -> Future[Result]:
        """The result to come. Work with a key is done once for all who ask for it before it begins.

        Raises PoolFullError.
        """
        with self._changed:
            shared = self._shared.get(key)
            if shared is not None:
                return shared
            if len(self._waiting) >= self._most_waiting:
                raise PoolFullError
            job = _Job(work, key, Future())
            # A result that many wait for cannot be cancelled by one of them.
            job.future.set_running_or_notify_cancel()
            if key is not None:
                self._shared[key] = job.future
            self._waiting.append(job)
            self._changed.notify()
            return job.future

    def _run(self) -> None:
        while True:
            job = self._take()
            try:
                job.future.set_result(job.work())
            except BaseException as error:
                job.future.set_exception(error)  # it is raised where the result is asked for
            del job  # the result may be large

    def _take(self) -> _Job:
        with self._changed:
            while not self._waiting:
                self._changed.wait()
            job = self._waiting.popleft()
            self._shared.pop(job.key, None)
            return job
