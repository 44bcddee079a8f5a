"""When to ask AWS about which target: polls each one in the background and keeps its poll status.

The poller is given its clock and the function that asks AWS. `take_due` and `poll` are its whole logic and run in any
thread; `Workers` merely calls them in threads. What is asked for is up to the function: pollers of connections, of
regions and of optional sources are the same.
"""

import heapq
import logging
import math
import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Generic, NamedTuple, Protocol

from aws_vpn_exporter.target import Answer, Discovered, FailureCause, PollError, PollStatus, Target
from aws_vpn_exporter.wording import age

log = logging.getLogger(__name__)

LONGEST_BACKOFF = 4
"""A failing target is asked again after at most so many poll intervals: 2 minutes by default, well within
stale_after, so that a target that recovers is seen before its last good values are dropped."""

_JITTER = 0.1

_SOON = 1.0
"""Seconds until the next poll after a first network error: an idle connection that AWS closed shows only then."""


class Clock(Protocol):
    """The standard library's `time`, or a test's own."""

    def time(self) -> float:
        """Unix time in seconds."""

    def monotonic(self) -> float:
        """Seconds since some fixed moment; never steps back."""


class Pause(NamedTuple):
    """Seconds until the next poll; up to a `jitter` share of them is cut off by chance, so that polls spread evenly."""

    seconds: float
    jitter: float = _JITTER


@dataclass(frozen=True)
class Schedule(Generic[Answer]):
    """When to ask again, and how long an answer is valid. Durations are seconds."""

    poll_interval: float
    """After a first failure; later ones wait longer."""
    next_poll: Callable[[Answer], Pause]
    """After a good answer."""
    valid_for: Callable[[Answer], float]
    """How long the answer is kept while no newer one comes."""
    partial_error: Callable[[Answer], PollError | None] = lambda _: None
    """What went wrong with a part of an answer that is good otherwise."""
    pause_if_not_found: float = 0.0
    """Seconds until AWS is asked again for what it does not have, at the least: it may charge for the question."""
    late_after: float = 60.0
    """After so long since it was due a poll counts as failed, even while it is under way: a call takes less, so that
    something is wrong with this process, its threads or its machine."""


@dataclass(slots=True)
class _Entry(Generic[Answer]):
    """What the poller keeps of a target. `status` is replaced, never changed; times are on the monotonic clock."""

    status: PollStatus[Answer]
    due: float
    pollable: bool = True
    busy: bool = False
    failed_in_a_row: int = 0
    answered_at: float = 0.0
    polled_at: float = 0.0
    tried: bool = False


class Poller(Generic[Answer]):
    """Keeps a poll status for each target that is watched. All methods may be called from any thread."""

    def __init__(
        self,
        fetch: Callable[[Target], Answer],
        schedule: Schedule[Answer],
        clock: Clock,
        jitter: Callable[[], float],
        when_known: Callable[[Target], None] = lambda _: None,
    ) -> None:
        """`fetch` raises PollError for every expected failure; `jitter` gives numbers from 0 to 1.

        `when_known` is called with a target that has an answer from now on and had none before, or only an empty one.
        """
        self._fetch = fetch
        self._when_known = when_known
        self._schedule = schedule
        self._clock = clock
        self._jitter = jitter
        self._entries: dict[Target, _Entry[Answer]] = {}
        self._planned: list[tuple[float, Target]] = []  # a heap; an item is void once its target is due at another time
        self._changed = threading.Condition()
        self._watching = False
        self._progress_at = math.inf
        """When there was last a new target, or one was tried for the first time; on the monotonic clock. At first: when
        the first targets were named, even if none."""

    def configure(self, schedule: Schedule[Answer]) -> None:
        """Takes a new schedule; a poll that is due later than it allows is brought forward."""
        with self._changed:
            self._schedule = schedule
            now = self._clock.monotonic()
            self._planned = []  # each target is planned anew
            for target, entry in self._entries.items():
                self._plan(target, entry, min(entry.due, now + self._pause(entry).seconds))

    def watch_at_first(self, targets: Mapping[Target, Discovered]) -> None:
        """Makes these the targets unless `watch` has named others already."""
        with self._changed:
            if not self._watching:
                self._watch(targets)

    def watch(self, targets: Mapping[Target, Discovered]) -> None:
        """Makes these the targets, from now on; those that stay keep what is known of them.

        A target that cannot be polled has a status all the same: it fails for the reason that it comes with, or is not
        tried yet where it comes with none.
        """
        with self._changed:
            self._watch(targets)

    def statuses(self) -> list[PollStatus[Answer]]:
        """The status of each target, by account and region.

        Answers that are no longer valid are dropped. A target whose poll is overdue fails: while a status is up, its
        answer is as new as the schedule promises, whatever hangs.
        """
        with self._changed:
            now = self._clock.monotonic()
            for entry in self._entries.values():
                self._check_age(entry, now)
            return [entry.status for entry in self._entries.values()]

    def _check_age(self, entry: _Entry[Answer], now: float) -> None:
        late, answer = now - entry.due, entry.status.answer
        outdated = answer is not None and now - entry.answered_at > self._schedule.valid_for(answer)
        if entry.status.up and late > self._schedule.late_after:
            self._note_failure(entry, PollError(FailureCause.TIMEOUT, f"no answer {age(late)} after a poll was due"))
        elif entry.status.up and outdated:
            old = age(now - entry.answered_at)
            self._note_failure(
                entry, PollError(FailureCause.TIMEOUT, f"the latest answer is {old} old: too old for use")
            )
        if outdated:
            entry.status = replace(entry.status, answer=None)

    def hasten(self, target: Target, pause: float) -> None:
        """Brings the target's next poll forward, to `pause` seconds after the latest one at the earliest."""
        with self._changed:
            entry = self._entries.get(target)
            if entry:
                self._plan(target, entry, min(entry.due, max(self._clock.monotonic(), entry.polled_at + pause)))

    def status(self, target: Target) -> PollStatus[Answer] | None:
        """The status of one target; None where it is not watched."""
        with self._changed:
            entry = self._entries.get(target)
            return entry.status if entry else None

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def ready(self) -> bool:
        """Whether every target has been tried at least once."""
        tried, total = self.progress
        return self._watching and tried == total

    @property
    def stalled_for(self) -> float:
        """Seconds since there was last a new target or one was tried for the first time; 0 before `watch` is called."""
        with self._changed:
            return max(0.0, self._clock.monotonic() - self._progress_at)

    @property
    def progress(self) -> tuple[int, int]:
        """How many targets have been tried, and how many there are."""
        with self._changed:
            return sum(entry.tried for entry in self._entries.values()), len(self._entries)

    def take_due(self) -> list[tuple[Target, bool]]:
        """The targets that are due, from now on the caller's to poll, each with whether its latest poll failed."""
        with self._changed:
            taken = []
            while self._seconds_until_due() == 0:
                _, target = heapq.heappop(self._planned)
                entry = self._entries[target]
                entry.busy = True
                taken.append((target, entry.failed_in_a_row > 0))
            return taken

    def wait_until_due(self) -> None:
        """Returns once a target may be due."""
        with self._changed:
            seconds = self._seconds_until_due()
            if seconds != 0:
                self._changed.wait(seconds)

    def poll(self, target: Target) -> None:
        """Asks AWS about a target that `take_due` gave, and plans its next poll."""
        if self.status(target) is None:
            return  # it left the watched targets while it waited for a thread
        started = self._clock.monotonic()
        result = self._ask(target)
        with self._changed:
            entry = self._entries.get(target)
            if entry is None:
                return
            now = self._clock.monotonic()
            if not entry.tried:
                self._progress_at = now
            before = entry.status.answer
            entry.status = replace(entry.status, polls=entry.status.polls + 1, duration=now - started)
            if isinstance(result, PollError):
                self._note_failure(entry, result)
            else:
                self._note_success(entry, result, now)
            entry.busy, entry.polled_at = False, now
            pause = self._pause(entry)
            self._plan(target, entry, now + pause.seconds * (1 - pause.jitter * self._jitter()))
        if not isinstance(result, PollError) and (before is None or (result and not before)):
            self._when_known(target)

    def _watch(self, targets: Mapping[Target, Discovered]) -> None:
        now, before = self._clock.monotonic(), self._entries
        if not self._watching:
            self._progress_at = now
        self._watching, self._entries, self._planned = True, {}, []
        for target in sorted(targets):
            if target not in before:
                self._progress_at = now
            entry = before.get(target) or _Entry(PollStatus(target), now)
            self._entries[target] = entry
            self._apply(target, entry, targets[target])

    def _apply(self, target: Target, entry: _Entry[Answer], discovered: Discovered) -> None:
        if entry.status.account_name != discovered.account_name:
            entry.status = replace(entry.status, account_name=discovered.account_name)
        entry.pollable = discovered.pollable
        if discovered.error and entry.status.failure is not discovered.error:
            self._note_failure(entry, discovered.error)
        self._plan(target, entry, entry.due)

    def _plan(self, target: Target, entry: _Entry[Answer], due: float) -> None:
        entry.due = due
        if entry.pollable and not entry.busy:
            heapq.heappush(self._planned, (due, target))
            if self._planned[0] == (due, target):
                self._changed.notify()

    def _seconds_until_due(self) -> float | None:
        """Until the next poll of a target that nobody polls now; None where no poll is planned."""
        while self._planned:
            due, target = self._planned[0]
            entry = self._entries.get(target)
            if entry and entry.pollable and not entry.busy and entry.due == due:
                return max(0.0, due - self._clock.monotonic())
            heapq.heappop(self._planned)
        return None

    def _ask(self, target: Target) -> Answer | PollError:
        try:
            return self._fetch(target)
        except PollError as error:
            return error
        except Exception as error:
            log.exception("poll of %s failed by a bug in the exporter", target)
            return PollError(FailureCause.INTERNAL, f"a bug in the exporter: {type(error).__name__}")

    def _note_success(self, entry: _Entry[Answer], answer: Answer, now: float) -> None:
        status, before = entry.status, entry.status.answer
        if status.failure:
            log.info("%s: answers again", status.target)
        if before == answer and before is not None:
            answer = before  # the same object, by which others see that nothing has changed
        error = self._schedule.partial_error(answer)
        known_error = None if before is None else self._schedule.partial_error(before)
        if error and (known_error is None or known_error.cause is not error.cause):
            log.warning("%s: %s, in part: %s", status.target, error.cause, error)
        failures = _counted(status.failures, error) if error else status.failures
        entry.status = replace(status, answer=answer, failure=None, failures=failures, last_success=self._clock.time())
        entry.failed_in_a_row, entry.answered_at, entry.tried = 0, now, True

    def _note_failure(self, entry: _Entry[Answer], error: PollError) -> None:
        status = entry.status
        if status.failure is None or status.failure.cause is not error.cause:
            log.warning("%s: %s: %s", status.target, error.cause, error)
        entry.status = replace(status, failure=error, failures=_counted(status.failures, error))
        entry.failed_in_a_row, entry.tried = entry.failed_in_a_row + 1, True

    def _pause(self, entry: _Entry[Answer]) -> Pause:
        if entry.failed_in_a_row == 1 and entry.status.failure and entry.status.failure.cause is FailureCause.NETWORK:
            return Pause(_SOON)
        if entry.failed_in_a_row:
            longer = min(2 ** min(entry.failed_in_a_row - 1, 8), LONGEST_BACKOFF)
            not_found = entry.status.failure is not None and entry.status.failure.cause is FailureCause.NOT_FOUND
            least = self._schedule.pause_if_not_found if not_found else 0.0
            return Pause(max(longer * self._schedule.poll_interval, least))
        if entry.status.answer is not None:
            return self._schedule.next_poll(entry.status.answer)
        return Pause(self._schedule.poll_interval)


def _counted(failures: Mapping[FailureCause, int], error: PollError) -> Mapping[FailureCause, int]:
    return {**failures, error.cause: failures.get(error.cause, 0) + 1}


class Workers(Generic[Answer]):
    """Threads that poll what is due.

    One thread dispatches; targets whose latest poll failed go to threads of their own, so that hanging ones take none
    from those that answer. All are daemons: a process that ends does not wait for AWS.
    """

    def __init__(self, poller: Poller[Answer], answering: int, failing: int) -> None:
        """`answering` and `failing` are the most threads of each kind; there are never more of one than targets."""
        self._poller = poller
        self._queues: dict[bool, queue.SimpleQueue[Target]] = {False: queue.SimpleQueue(), True: queue.SimpleQueue()}
        self._most = {False: answering, True: failing}
        self._running = {False: 0, True: 0}
        _start("dispatcher", self._dispatch)

    def _dispatch(self) -> None:
        while True:
            self._poller.wait_until_due()
            for target, failing in self._poller.take_due():
                self._queues[failing].put(target)
                self._grow(failing)

    def _grow(self, failing: bool) -> None:
        if self._running[failing] < min(self._most[failing], len(self._poller)):
            self._running[failing] += 1
            _start(
                f"{'failing' if failing else 'answering'}-{self._running[failing]}", self._work, self._queues[failing]
            )

    def _work(self, targets: "queue.SimpleQueue[Target]") -> None:
        while True:
            self._poller.poll(targets.get())


def _start(name: str, run: Callable[..., None], *arguments: object) -> None:
    threading.Thread(target=run, args=arguments, name=name, daemon=True).start()
