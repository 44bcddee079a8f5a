"""When to ask whom: polls each target in the background and keeps its last good snapshot.

The poller is given its clock and the function that asks AWS. `take` and `poll` are its whole logic and run in any
thread; `Workers` merely calls them in a loop.
"""

import heapq
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from aws_vpn_exporter.model import Connection, FailureCause, PollError, Snapshot, Target, TargetReport

log = logging.getLogger(__name__)

Fetch = Callable[[Target], tuple[Connection, ...]]
"""Asks AWS for a target's connections. Raises PollError for every expected failure."""

LONGEST_BACKOFF = 4
"""A failing target is asked again after at most so many poll intervals: 2 minutes by default, well within
stale_after, so that a target that recovers is seen before its last good values are dropped."""


JITTER = 0.1
"""Share of a pause that is left to chance, so that targets do not fall into step. Pauses only get shorter."""


class Clock(Protocol):
    """The standard library's `time`, or a test's own."""

    def time(self) -> float:
        """Unix time in seconds."""

    def monotonic(self) -> float:
        """Seconds since some fixed moment; never steps back."""


@dataclass(frozen=True, slots=True)
class Intervals:
    """The configuration's durations, in seconds."""

    poll: float
    discovery: float
    stale_after: float


@dataclass(slots=True)
class _Entry:
    """What the poller keeps of a target. `report` is replaced, never changed; times are on the monotonic clock."""

    report: TargetReport
    due: float
    busy: bool = False
    failed_in_a_row: int = 0
    answered_at: float = 0.0
    tried: bool = False


class Poller:
    """Keeps a report for each target that is watched. All methods may be called from any thread."""

    def __init__(self, fetch: Fetch, intervals: Intervals, clock: Clock, jitter: Callable[[], float]) -> None:
        """`jitter` gives numbers from 0 to 1 and spreads polls; `random.random` in production."""
        self._fetch = fetch
        self._intervals = intervals
        self._clock = clock
        self._jitter = jitter
        self._entries: dict[Target, _Entry] = {}
        self._plan: list[tuple[float, Target]] = []  # a heap; an item is void once its target is due at another time
        self._told = False
        self._changed = threading.Condition()

    def configure(self, intervals: Intervals) -> None:
        """Takes new intervals; a poll that is due later than they allow is brought forward."""
        with self._changed:
            self._intervals = intervals
            now = self._clock.monotonic()
            for target, entry in self._entries.items():
                entry.due = min(entry.due, now + self._pause(entry))
                heapq.heappush(self._plan, (entry.due, target))
            self._changed.notify_all()

    def watch(self, targets: Mapping[Target, PollError | None]) -> None:
        """Makes these the targets, from now on.

        Targets that stay keep what is known of them. A target that comes with an error cannot be polled: it is
        reported as failing for that reason until a later call brings it without.
        """
        with self._changed:
            self._told = True
            now = self._clock.monotonic()
            self._entries = {t: self._entries.get(t) or _Entry(TargetReport(t), now) for t in targets}
            self._plan = []
            for target, error in targets.items():
                entry = self._entries[target]
                if error:
                    self._note_failure(entry, error)
                elif not entry.busy:
                    self._plan.append((entry.due, target))
            heapq.heapify(self._plan)
            self._changed.notify_all()

    def reports(self) -> list[TargetReport]:
        """A report for each target, by account and region; snapshots that are too old are dropped."""
        with self._changed:
            now = self._clock.monotonic()
            for entry in self._entries.values():
                if entry.report.snapshot and now - entry.answered_at > self._good_for(entry.report.snapshot):
                    entry.report = replace(entry.report, snapshot=None)
            return [self._entries[target].report for target in sorted(self._entries)]

    @property
    def ready(self) -> bool:
        """Whether every target has been tried at least once."""
        with self._changed:
            return self._told and all(entry.tried for entry in self._entries.values())

    def take(self) -> Target | None:
        """A target that is due, from now on the caller's to poll; None while none is."""
        with self._changed:
            if self._seconds_until_due() != 0:
                return None
            _, target = heapq.heappop(self._plan)
            self._entries[target].busy = True
            return target

    def wait(self) -> None:
        """Returns once a target is due, or the plan has changed."""
        with self._changed:
            seconds = self._seconds_until_due()
            if seconds != 0:
                self._changed.wait(seconds)

    def poll(self, target: Target) -> None:
        """Asks AWS about a target that `take` gave, and plans its next poll."""
        started = self._clock.monotonic()
        result = self._ask(target)
        with self._changed:
            entry = self._entries.get(target)
            if entry is None:
                return
            now = self._clock.monotonic()
            entry.report = replace(entry.report, polls=entry.report.polls + 1, duration=now - started)
            if isinstance(result, PollError):
                self._note_failure(entry, result)
            else:
                self._note_success(entry, result, now)
            entry.busy = False
            entry.due = now + self._pause(entry) * (1 - JITTER * self._jitter())
            heapq.heappush(self._plan, (entry.due, target))
            self._changed.notify()

    def _seconds_until_due(self) -> float | None:
        """Until the next poll of a target that nobody polls now; None where no poll is planned."""
        while self._plan:
            due, target = self._plan[0]
            entry = self._entries.get(target)
            if entry and not entry.busy and entry.due == due:
                return max(0.0, due - self._clock.monotonic())
            heapq.heappop(self._plan)
        return None

    def _ask(self, target: Target) -> tuple[Connection, ...] | PollError:
        try:
            return self._fetch(target)
        except PollError as error:
            return error
        except Exception as error:
            log.exception("poll of %s failed by a bug in the exporter", target)
            return PollError(FailureCause.INTERNAL, f"a bug in the exporter: {type(error).__name__}")

    def _note_success(self, entry: _Entry, connections: tuple[Connection, ...], now: float) -> None:
        report, taken_at = entry.report, self._clock.time()
        if not report.up:
            log.info("%s: answers, %d connections", report.target, len(connections))
        known = report.snapshot.connections if report.snapshot else None
        snapshot = Snapshot(report.target, known if known == connections and known else connections, taken_at)
        entry.report = replace(report, snapshot=snapshot, failure=None, last_success=taken_at)
        entry.failed_in_a_row, entry.answered_at, entry.tried = 0, now, True

    def _note_failure(self, entry: _Entry, error: PollError) -> None:
        report = entry.report
        if report.failure is None or report.failure.cause is not error.cause:
            log.warning("%s: %s: %s", report.target, error.cause, error)
        failures = {**report.failures, error.cause: report.failures.get(error.cause, 0) + 1}
        entry.report = replace(report, failure=error, failures=failures)
        entry.failed_in_a_row, entry.tried = entry.failed_in_a_row + 1, True

    def _pause(self, entry: _Entry) -> float:
        if entry.failed_in_a_row:
            return float(min(2 ** min(entry.failed_in_a_row - 1, 8), LONGEST_BACKOFF)) * self._intervals.poll
        snapshot = entry.report.snapshot
        return self._intervals.poll if snapshot and snapshot.connections else self._intervals.discovery

    def _good_for(self, snapshot: Snapshot) -> float:
        """Seconds; an empty answer is asked for again only after the discovery interval, and stands until then."""
        return self._intervals.stale_after + (0 if snapshot.connections else self._intervals.discovery)


class Workers:
    """Threads that poll what is due. They are daemons: a process that ends does not wait for AWS."""

    def __init__(self, poller: Poller, count: int) -> None:
        self._poller = poller
        self._threads = [
            threading.Thread(target=self._work, name=f"poll-{number}", daemon=True) for number in range(count)
        ]

    def start(self) -> None:
        """Begins to poll."""
        for thread in self._threads:
            thread.start()

    def _work(self) -> None:
        while True:
            target = self._poller.take()
            if target:
                self._poller.poll(target)
            else:
                self._poller.wait()
