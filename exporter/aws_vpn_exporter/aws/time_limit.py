"""A limit on the whole time of a call to AWS.

The time-outs of botocore and urllib3 are for each read: an answer that comes a byte at a time never ends. Here one
thread watches the calls that are under way, and shuts the connection of one that takes too long.
"""

import contextlib
import heapq
import itertools
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from botocore.awsrequest import (
    AWSHTTPConnection,
    AWSHTTPConnectionPool,
    AWSHTTPSConnection,
    AWSHTTPSConnectionPool,
)


@dataclass(slots=True)
class Call:
    """A call under way; `connection` is the latest one that it uses."""

    connection: Any = None
    expired: bool = False


_current: ContextVar[Call | None] = ContextVar("current_call", default=None)


@contextmanager
def time_limit(seconds: float) -> Iterator[Call]:
    """Within it, this thread's calls to AWS fail after so many seconds in all; `expired` then says why."""
    call = Call()
    token = _current.set(call)
    _watchdog.watch(call, seconds)
    try:
        yield call
    finally:
        _current.reset(token)
        call.connection = None


class _Limited:
    """Lets the current call know which connection it uses."""

    sock: Any

    def connect(self) -> None:
        self._use()
        super().connect()  # type: ignore[misc]

    def request(self, *arguments: Any, **more: Any) -> Any:
        self._use()
        return super().request(*arguments, **more)  # type: ignore[misc]

    def _use(self) -> None:
        call = _current.get()
        if call:
            if call.expired:
                raise TimeoutError
            call.connection = self


class _HttpConnection(_Limited, AWSHTTPConnection):  # type: ignore[misc]
    pass


class _HttpsConnection(_Limited, AWSHTTPSConnection):  # type: ignore[misc]
    pass


# botocore offers no other way to know a call's connection than the class that its pools make connections of.
AWSHTTPConnectionPool.ConnectionCls = _HttpConnection
AWSHTTPSConnectionPool.ConnectionCls = _HttpsConnection


class _Watchdog:
    """One thread for all calls; it starts with the first."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._calls: list[tuple[float, int, Call]] = []  # a heap, by the moment at which a call has to be over
        self._numbers = itertools.count()
        self._running = False

    def watch(self, call: Call, seconds: float) -> None:
        with self._changed:
            heapq.heappush(self._calls, (time.monotonic() + seconds, next(self._numbers), call))
            if not self._running:
                self._running = True
                threading.Thread(target=self._run, name="call-watchdog", daemon=True).start()
            if self._calls[0][2] is call:
                self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                wait = self._calls[0][0] - time.monotonic() if self._calls else None
                if wait is None or wait > 0:
                    self._changed.wait(wait)
                    continue
                _, _, call = heapq.heappop(self._calls)
            call.expired = True
            sock = getattr(call.connection, "sock", None)
            if sock is not None:
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)  # TLS state stays: another thread is reading


_watchdog = _Watchdog()
