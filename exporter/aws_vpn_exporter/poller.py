"""When to ask whom: polls each target in the background and keeps its last good snapshot.

The poller is given its clock and the function that asks AWS. `take` and `poll` are its whole logic and run in any
thread; `Workers` merely call them in loops. What is asked for is up to the function: a poller of connections and
pollers of other things are the same.
"""

import heapq
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Generic, NamedTuple, Protocol

from aws_vpn_exporter.model import Answer, FailureCause, Finding, PollError, Report, Snapshot, Target

log = logging.getLogger(__name__)

LONGEST_BACKOFF = 4
"""A failing target is asked again after at most so many poll intervals: 2 minutes by default, well within
stale_after, so that a target that recovers is seen before its last good values are dropped."""

_JITTER = 0.1


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
    """When to ask again, and how long an answer is good. Durations are seconds."""

    poll_interval: float
    """After a first failure; later ones wait longer."""
    after: Callable[[Answer], Pause]
    """After a good answer."""
    good_for: Callable[[Answer], float]
    """How long the answer is shown while no newer one comes."""
    flaw_of: Callable[[Answer], PollError | None] = lambda _: None
    """What went wrong with a part of an answer that is good otherwise."""


class Lane(Enum):
    """Targets that fail wait for workers of their own, so that hanging ones take none from those that answer."""

    ANSWERING = "answering"
    FAILING = "failing"


@dataclass(slots=True)
class _Entry(Generic[Answer]):
    """What the poller keeps of a target. `report` is replaced, never changed; times are on the monotonic clock."""

    report: Report[Answer]
    due: float
    pollable: bool = True
    busy: bool = False
    failed_in_a_row: int = 0
    answered_at: float = 0.0
    tried: bool = False

    @property
    def lane(self) -> Lane:
        return Lane.FAILING if self.failed_in_a_row else Lane.ANSWERING


@dataclass(slots=True)
class _Plan:
    """The polls of a lane. Of the threads that wait for one, a single one minds the clock, the others sleep."""

    changed: threading.Condition
    polls: list[tuple[float, Target]] = field(default_factory=list)
    """A heap; an item is void once its target is due at another time."""
    minded: bool = False


class Poller(Generic[Answer]):
    """Keeps a report for each target that is watched. All methods may be called from any thread."""

    def __init__(
        self,
        fetch: Callable[[Target], Answer],
        schedule: Schedule[Answer],
        clock: Clock,
        jitter: Callable[[], float],
    ) -> None:
        """`fetch` raises PollError for every expected failure; `jitter` gives numbers from 0 to 1."""
        self._fetch = fetch
        self._schedule = schedule
        self._clock = clock
        self._jitter = jitter
        self._entries: dict[Target, _Entry[Answer]] = {}
        self._lock = threading.Lock()
        self._plans = {lane: _Plan(threading.Condition(self._lock)) for lane in Lane}
        self._told = False

    def configure(self, schedule: Schedule[Answer]) -> None:
        """Takes a new schedule; a poll that is due later than it allows is brought forward."""
        with self._lock:
            self._schedule = schedule
            now = self._clock.monotonic()
            for target, entry in self._entries.items():
                self._plan(target, entry, min(entry.due, now + self._pause(entry).seconds))

    def watch_at_first(self, targets: Mapping[Target, Finding]) -> None:
        """Makes these the targets unless `watch` has named others already."""
        with self._lock:
            if not self._told:
                self._watch(targets)

    def watch(self, targets: Mapping[Target, Finding]) -> None:
        """Makes these the targets, from now on; those that stay keep what is known of them.

        A target that cannot be polled is reported all the same: as failing for the reason that it comes with, or as
        not tried yet where it comes with none.
        """
        with self._lock:
            self._watch(targets)

    def reports(self) -> list[Report[Answer]]:
        """A report for each target, by account and region; snapshots that are too old are dropped."""
        with self._lock:
            now = self._clock.monotonic()
            for entry in self._entries.values():
                snapshot = entry.report.snapshot
                if snapshot and now - entry.answered_at > self._schedule.good_for(snapshot.answer):
                    entry.report = replace(entry.report, snapshot=None)
            return [entry.report for entry in self._entries.values()]

    def report(self, target: Target) -> Report[Answer] | None:
        """The latest report about one target; None where it is not watched."""
        with self._lock:
            entry = self._entries.get(target)
            return entry.report if entry else None

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def ready(self) -> bool:
        """Whether every target has been tried at least once."""
        tried, total = self.progress
        return self._told and tried == total

    @property
    def progress(self) -> tuple[int, int]:
        """How many targets have been tried, and how many there are."""
        with self._lock:
            return sum(entry.tried for entry in self._entries.values()), len(self._entries)

    def take(self, lane: Lane) -> Target | None:
        """A target that is due, from now on the caller's to poll; None while none is."""
        with self._lock:
            if self._seconds_until_due(lane) != 0:
                return None
            plan = self._plans[lane]
            _, target = heapq.heappop(plan.polls)
            self._entries[target].busy = True
            plan.changed.notify()  # whoever waits now minds what is due next
            return target

    def wait(self, lane: Lane) -> None:
        """Returns once a target may be due."""
        with self._lock:
            seconds, plan = self._seconds_until_due(lane), self._plans[lane]
            if seconds == 0:
                return
            if plan.minded:
                plan.changed.wait()
                return
            plan.minded = True
            plan.changed.wait(seconds)
            plan.minded = False

    def poll(self, target: Target) -> None:
        """Asks AWS about a target that `take` gave, and plans its next poll."""
        started = self._clock.monotonic()
        result = self._ask(target)
        with self._lock:
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
            pause = self._pause(entry)
            self._plan(target, entry, now + pause.seconds * (1 - pause.jitter * self._jitter()))

    def _watch(self, targets: Mapping[Target, Finding]) -> None:
        now, before = self._clock.monotonic(), self._entries
        self._told, self._entries = True, {}
        for target in sorted(targets):
            entry = before.get(target) or _Entry(Report(target), now)
            self._entries[target] = entry
            self._apply(target, entry, targets[target])

    def _apply(self, target: Target, entry: _Entry[Answer], finding: Finding) -> None:
        if entry.report.account_name != finding.account_name:
            entry.report = replace(entry.report, account_name=finding.account_name)
        entry.pollable = finding.pollable
        if finding.error:
            self._note_failure(entry, finding.error)
        self._plan(target, entry, entry.due)

    def _plan(self, target: Target, entry: _Entry[Answer], due: float) -> None:
        entry.due = due
        if entry.pollable and not entry.busy:
            plan = self._plans[entry.lane]
            heapq.heappush(plan.polls, (due, target))
            if plan.polls[0] == (due, target):
                plan.changed.notify_all()

    def _seconds_until_due(self, lane: Lane) -> float | None:
        """Until the next poll of a target that nobody polls now; None where no poll is planned."""
        polls = self._plans[lane].polls
        while polls:
            due, target = polls[0]
            entry = self._entries.get(target)
            if entry and entry.pollable and not entry.busy and (entry.due, entry.lane) == (due, lane):
                return max(0.0, due - self._clock.monotonic())
            heapq.heappop(polls)
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
        report, taken_at = entry.report, self._clock.time()
        if report.failure:
            log.info("%s: answers again", report.target)
        if report.snapshot and report.snapshot.answer == answer:
            answer = report.snapshot.answer  # the same object, by which others see that nothing has changed
        flaw = self._schedule.flaw_of(answer)
        known_flaw = self._schedule.flaw_of(report.snapshot.answer) if report.snapshot else None
        if flaw and (known_flaw is None or known_flaw.cause is not flaw.cause):
            log.warning("%s: %s, in part: %s", report.target, flaw.cause, flaw)
        failures = _counted(report.failures, flaw) if flaw else report.failures
        snapshot = Snapshot(answer, taken_at)
        entry.report = replace(report, snapshot=snapshot, failure=None, failures=failures, last_success=taken_at)
        entry.failed_in_a_row, entry.answered_at, entry.tried = 0, now, True

    def _note_failure(self, entry: _Entry[Answer], error: PollError) -> None:
        report = entry.report
        if report.failure is None or report.failure.cause is not error.cause:
            log.warning("%s: %s: %s", report.target, error.cause, error)
        entry.report = replace(report, failure=error, failures=_counted(report.failures, error))
        entry.failed_in_a_row, entry.tried = entry.failed_in_a_row + 1, True

    def _pause(self, entry: _Entry[Answer]) -> Pause:
        if entry.failed_in_a_row:
            longer = min(2 ** min(entry.failed_in_a_row - 1, 8), LONGEST_BACKOFF)
            return Pause(longer * self._schedule.poll_interval)
        if entry.report.snapshot:
            return self._schedule.after(entry.report.snapshot.answer)
        return Pause(self._schedule.poll_interval)


def _counted(failures: Mapping[FailureCause, int], error: PollError) -> Mapping[FailureCause, int]:
    return {**failures, error.cause: failures.get(error.cause, 0) + 1}


class Workers(Generic[Answer]):
    """Threads that poll what is due in a lane. They are daemons: a process that ends does not wait for AWS."""

    def __init__(self, poller: Poller[Answer], lane: Lane, most: int) -> None:
        self._poller = poller
        self._lane = lane
        self._most = most
        self._running = 0

    def grow(self) -> None:
        """Starts threads until there are as many as targets, or `most`."""
        wanted = min(self._most, len(self._poller))
        while self._running < wanted:
            threading.Thread(target=self._work, name=f"{self._lane.value}-{self._running}", daemon=True).start()
            self._running += 1

    def _work(self) -> None:
        while True:
            target = self._poller.take(self._lane)
            if target:
                self._poller.poll(target)
            else:
                self._poller.wait(self._lane)
