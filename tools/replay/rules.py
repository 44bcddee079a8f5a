"""Evaluates rules over a past that a Prometheus holds, each at its group's pace, and finds when alerts fired.

What a recording rule gives is written back, with Prometheus's mark where a series ends, so that the rules after it see
what they would have seen. An alert's waiting ("for", "keep_firing_for") is counted as Prometheus counts it.
"""

import re
import threading
from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Any

from testbed.chain import seconds
from tools.replay.openmetrics import Labels, Samples
from tools.replay.prometheus import STALE, Prometheus

_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|`[^`]*`')
_WORDS = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_ALERT_SERIES = {"ALERTS", "ALERTS_FOR_STATE"}


@dataclass(frozen=True)
class Rule:
    """A rule of a rules file. Times are in seconds; `step` is the time between two evaluations."""

    name: str
    is_alert: bool
    expression: str
    labels: Mapping[str, str]
    step: int
    wait: float = 0
    keep_firing: float = 0

    @property
    def words(self) -> frozenset[str]:
        """Every name in the expression: metrics, functions and labels."""
        return frozenset(_WORDS.findall(_STRINGS.sub("", self.expression)))

    def reads(self, other: "Rule") -> bool:
        """Whether the expression reads what the other rule gives."""
        if not other.is_alert:
            return other.name in self.words
        if not self.words & _ALERT_SERIES:
            return False
        named = {text[1:-1] for text in _STRINGS.findall(self.expression)}
        # Without a plain name it may mean any alert.
        return other.name in named or not any(name.isidentifier() for name in named)


@dataclass(frozen=True)
class Firing:
    """One stretch of time in which an alert fired, in Unix seconds; `ends_at` is None while it still does."""

    alertname: str
    labels: Mapping[str, str]
    starts_at: int
    ends_at: int | None


def parse(document: Mapping[str, Any], finest: int) -> tuple[Rule, ...]:
    """The rules of a file. Nothing is evaluated more often than every `finest` seconds."""
    return tuple(
        Rule(
            name=rule.get("alert") or rule["record"],
            is_alert="alert" in rule,
            expression=rule["expr"],
            labels={name: str(value) for name, value in rule.get("labels", {}).items()},
            step=max(finest, int(seconds(group.get("interval", "1m")))),
            wait=seconds(rule.get("for", "0s")),
            keep_firing=seconds(rule.get("keep_firing_for", "0s")),
        )
        for group in document["groups"]
        for rule in group["rules"]
    )


def needed(rules: Sequence[Rule], wanted: Collection[str]) -> tuple[Rule, ...]:
    """The alerts of these names and all that they read, directly or not."""
    kept = [rule for rule in rules if rule.is_alert and rule.name in wanted]
    for rule in kept:  # grows meanwhile
        # A rule that reads alerts of any name does so for their labels; it needs none of them.
        kept.extend(
            other
            for other in rules
            if other not in kept and rule.reads(other) and (not other.is_alert or other.name in rule.expression)
        )
    return tuple(rule for rule in rules if rule in kept)


def judgeable(rules: Sequence[Rule], metrics: Collection[str]) -> tuple[Rule, ...]:
    """Those that read something which is there: a file without `up` does not say that nothing was up."""
    there, kept = set(metrics), []
    for rule in in_order(rules):
        if rule.words & there:
            kept.append(rule)
            there |= _ALERT_SERIES if rule.is_alert else {rule.name}
    return tuple(kept)


def in_order(rules: Sequence[Rule]) -> list[Rule]:
    """Each rule after those that it reads. Raises ValueError where there is no such order."""
    return [rules[number] for number in TopologicalSorter(_reads(rules)).static_order()]


def blind_spots(rules: Sequence[Rule]) -> list[str]:
    """Which rules read an alert that waits for them: they see what it said as if it had never said anything."""
    reads = _reads(rules)
    return sorted(
        f"{rule.name} ({other.name})"
        for number, rule in enumerate(rules)
        for at, other in enumerate(rules)
        if other.is_alert and rule.reads(other) and at not in reads[number] and at != number
    )


def _reads(rules: Sequence[Rule]) -> dict[int, set[int]]:
    """The numbers of the rules that each rule reads, itself aside, without a circle.

    A circle through an alert is cut there. Raises ValueError for one of recording rules alone.
    """
    reads: dict[int, set[int]] = {
        number: {at for at, other in enumerate(rules) if at != number and not other.is_alert and rule.reads(other)}
        for number, rule in enumerate(rules)
    }
    try:
        tuple(TopologicalSorter(reads).static_order())
    except CycleError as error:
        names = dict.fromkeys(rules[number].name for number in error.args[1])
        raise ValueError(f"rules that read one another in a circle cannot be replayed: {', '.join(names)}") from None
    for number, rule in enumerate(rules):
        for at, other in enumerate(rules):
            if other.is_alert and at != number and rule.reads(other) and number not in _all_read_by(at, reads):
                reads[number].add(at)
    return reads


def _all_read_by(number: int, reads: Mapping[int, Collection[int]]) -> set[int]:
    found: set[int] = set()
    waiting = {number}
    while waiting:
        found |= waiting
        waiting = {at for one in waiting for at in reads[one]} - found
    return found


@dataclass
class Replay:
    """Rules over the past from `start` to `end`, in Unix seconds."""

    server: Prometheus
    start: int
    end: int
    found: list[Firing] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self, rules: Sequence[Rule], workers: int) -> list[Firing]:
        """Evaluates all, several at once where none reads the other; the firings in the order of their beginning."""
        graph = TopologicalSorter(_reads(rules))
        graph.prepare()
        with ThreadPoolExecutor(workers) as pool:
            running: dict[Future[None], int] = {}
            while graph.is_active():
                running |= {pool.submit(self._evaluate, rules[number]): number for number in graph.get_ready()}
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    future.result()
                    graph.done(running.pop(future))
        return sorted(self.found, key=lambda one: (one.starts_at, one.alertname, sorted(one.labels.items())))

    def _evaluate(self, rule: Rule) -> None:
        first = -(-self.start // rule.step) * rule.step
        if not rule.is_alert and rule.reads(rule):
            self._remember(rule, first)
            return
        results = _joined(self.server.evaluate(rule.expression, first, self.end, rule.step))
        if not rule.is_alert:
            self.server.write(_recorded(rule, results, self.end))
            return
        for labels, stretches in results.items():
            own = {name: value for name, value in labels if name not in ("__name__", "alertname")}
            own |= {name: value for name, value in rule.labels.items() if "{{" not in value}
            times = [int(time) for values in stretches for time, _ in values]
            states = list(_states(times, rule, self.end))
            self.server.write(_alert_series(rule, own, states))
            with self._lock:
                self.found.extend(
                    Firing(rule.name, own, fires, None if ends > self.end else ends)
                    for _, fires, ends in states
                    if fires is not None
                )

    def _remember(self, rule: Rule, first: int) -> None:
        """A recording rule that reads its own past: each evaluation has to see what the one before gave."""
        before: set[Labels] = set()
        for time in range(first, self.end + 1, rule.step):
            found = {
                _named(rule, labels): float(values[0][1])
                for labels, values in self.server.evaluate(rule.expression, time, time, rule.step)
            }
            now = found | dict.fromkeys(before - found.keys(), STALE)
            self.server.write(
                (labels, Samples(array("q", [time * 1000]), array("d", [value]))) for labels, value in now.items()
            )
            before = set(found)


def _named(rule: Rule, labels: Labels) -> Labels:
    """The labels of what a recording rule gives."""
    named = {**dict(labels), "__name__": rule.name, **rule.labels}
    return tuple(sorted((name, value) for name, value in named.items() if value))


_Results = Mapping[Labels, list[list[list[Any]]]]


def _joined(answers: Iterable[tuple[Labels, list[list[Any]]]]) -> _Results:
    found: dict[Labels, list[list[list[Any]]]] = {}
    for labels, values in answers:
        found.setdefault(labels, []).append(values)
    return found


def _recorded(rule: Rule, results: _Results, end: int) -> Iterator[tuple[Labels, Samples]]:
    """What Prometheus stores for a recording rule; milliseconds."""
    for labels, stretches in results.items():
        samples = Samples()
        for values in stretches:
            _append(samples, values, rule.step * 1000)
        _end(samples, rule.step * 1000, end * 1000)
        yield _named(rule, labels), samples


def _append(samples: Samples, values: Sequence[Sequence[Any]], step: int) -> None:
    """Adds the points of a stretch, and marks each gap in it."""
    times = [int(time) * 1000 for time, _ in values]
    numbers = [float(value) for _, value in values]
    _end(samples, step, times[0] - 1)
    if times[-1] - times[0] == step * (len(times) - 1):  # no gap: the usual case, quickly
        samples.times.extend(times)
        samples.values.extend(numbers)
        return
    for time, number in zip(times, numbers, strict=True):
        _end(samples, step, time - 1)
        samples.times.append(time)
        samples.values.append(number)


def _end(samples: Samples, step: int, until: int) -> None:
    """Marks the series as ended at the evaluation after its last sample, if that is not after `until`."""
    if samples.times and samples.times[-1] + step <= until:
        samples.times.append(samples.times[-1] + step)
        samples.values.append(STALE)


def _states(times: Sequence[int], rule: Rule, end: int) -> Iterator[tuple[int, int | None, int]]:
    """Each stretch in which the alert was active: its beginning, when it fired if it did, and the evaluation at which
    it was over, which lies after `end` where it was not.
    """
    begin = previous = fires = None
    for time in [*times, end + 1 + int(rule.keep_firing) + rule.step]:
        if begin is not None and previous is not None and time - previous > rule.step:
            over = previous + rule.step
            if fires is not None and rule.keep_firing:
                # It goes on until it has been inactive for so long, and no new stretch begins before.
                over += int(rule.keep_firing)
            if time > over or time > end:
                yield begin, fires, over
                begin = fires = None
        if begin is None:
            begin = time
        if fires is None and time - begin >= rule.wait and time <= end:
            fires = time
        previous = time


def _alert_series(
    rule: Rule, labels: Mapping[str, str], states: Iterable[tuple[int, int | None, int]]
) -> Iterator[tuple[Labels, Samples]]:
    """The series ALERTS as Prometheus writes it; milliseconds."""
    made: dict[str, Samples] = {"pending": Samples(array("q"), array("d")), "firing": Samples(array("q"), array("d"))}
    for begin, fires, over in states:
        fired = over if fires is None else fires
        for state, start, stop in (("pending", begin, fired), ("firing", fired, over)):
            if start < stop:
                times = [*range(start, stop, rule.step), stop]
                made[state].times.extend(time * 1000 for time in times)
                made[state].values.extend([1.0] * (len(times) - 1) + [STALE])
    for state, samples in made.items():
        if samples.times:
            named = {**labels, "__name__": "ALERTS", "alertname": rule.name, "alertstate": state}
            yield tuple(sorted(named.items())), samples
