"""The threads: no target is polled twice at once, a hanging one holds nobody up, memory stays flat."""

import gc
import random
import threading
import time
import tracemalloc
from collections import Counter
from pathlib import Path

import pytest

from aws_vpn_exporter.aws.session import Aws
from aws_vpn_exporter.demo.fleet import Fleet, Scenario, many
from aws_vpn_exporter.demo.server import SimulatedAws
from aws_vpn_exporter.evidence import SourceAnswer
from aws_vpn_exporter.model import Connection, ConnectionState, Telemetry, Tunnel, TunnelState
from aws_vpn_exporter.poller import Pause, Poller, Schedule, Workers
from aws_vpn_exporter.target import Discovered, FailureCause, PollError, Target
from testbed.exposition import samples
from tests.support.stepped_exporter import Clock, SteppedExporter

TARGETS = {Target("123456789012", f"region-{number}"): Discovered() for number in range(20)}


def connection(number: int) -> Connection:
    telemetry = Telemetry(True, TunnelState.UP, f"{number} BGP ROUTES", float(number), number)
    return Connection(f"vpn-{number}", ConnectionState.AVAILABLE, tunnels=(Tunnel(f"203.0.113.{number}", telemetry),))


def test_no_target_is_polled_twice_at_once_and_a_hanging_one_holds_nobody_up() -> None:
    busy: Counter[Target] = Counter()
    most: Counter[Target] = Counter()
    release, lock, done = threading.Event(), threading.Lock(), threading.Semaphore(0)
    hanging = next(iter(TARGETS))

    def fetch(target: Target) -> tuple[Connection, ...]:
        with lock:
            busy[target] += 1
            most[target] = max(most[target], busy[target])
        if target == hanging:
            release.wait(20)
        with lock:
            busy[target] -= 1
        done.release()
        return (connection(1),)

    poller = Poller(fetch, Schedule(0.01, lambda _: Pause(0.01), lambda _: 1), time, random.Random().random)
    poller.watch(TARGETS)
    Workers(poller, 8, 4)
    for _ in range(19 * 20):
        assert done.acquire(timeout=10)
    polls = {status.target: status.polls for status in poller.statuses()}
    assert polls[hanging] == 0
    assert not poller.ready
    assert all(polls[target] >= 5 for target in TARGETS if target != hanging)
    release.set()
    while not poller.ready:
        assert done.acquire(timeout=10)
    assert set(most.values()) == {1}


def test_an_answer_that_says_the_same_is_the_same_object_also_where_it_fails_in_part() -> None:
    """Pages are rendered anew where an answer is another object."""
    clock = Clock()

    def fetch(_: Target) -> SourceAnswer[int]:
        return SourceAnswer({}, PollError(FailureCause.DENIED, "one tunnel is refused"))

    poller = Poller(fetch, Schedule(30, lambda _: Pause(30, 0), lambda _: 60), clock, lambda: 0.0)
    target = next(iter(TARGETS))
    poller.watch({target: Discovered()})
    answers = []
    for _ in range(2):
        clock.now += 30
        for due, _failing in poller.take_due():
            poller.poll(due)
        answers.append(poller.statuses()[0].answer)
    assert answers[0] is answers[1]
    assert poller.statuses()[0].polls == 2


def test_what_aws_does_not_have_is_asked_for_no_more_often_than_what_it_has() -> None:
    """CloudWatch charges for the question."""
    clock, asked = Clock(), list[float]()

    def fetch(_: Target) -> tuple[Connection, ...]:
        asked.append(clock.now)
        raise PollError(FailureCause.NOT_FOUND, "nothing there")

    poller = Poller(
        fetch, Schedule(30, lambda _: Pause(300), lambda _: 600, pause_if_not_found=300), clock, lambda: 0.0
    )
    poller.watch({next(iter(TARGETS)): Discovered()})
    for _ in range(100):
        for due, _failing in poller.take_due():
            poller.poll(due)
        clock.now += 10
    assert [at - asked[0] for at in asked] == [0, 300, 600, 900]


def test_memory_stays_flat_over_a_thousand_polls_with_churn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over the wire, scraped after each tenth poll, with connections that come and go."""
    fleets = [
        Fleet(lambda: 1_800_000_000.0, Scenario("", many(20)[start : start + 10])).describe("eu-west-1")
        for start in range(10)
    ]
    polls = 0

    def resident() -> float:
        gc.collect()
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20

    with SimulatedAws(lambda _region: fleets[polls % len(fleets)]) as simulated:
        monkeypatch.setenv("AWS_ENDPOINT_URL", simulated.url)
        exporter = SteppedExporter(Aws())
        before = 0.0
        for polls in range(1000):
            exporter.quietly_after(30)
            if polls % 10 == 0:
                exporter.page()
            if polls == 250:
                before = resident()
        assert len(samples(exporter.page(), "aws_vpn_connection_info")) == 10
        assert resident() - before < 6


def test_reloads_leave_nothing_behind() -> None:
    poller = Poller(lambda _: (), Schedule(60, lambda _: Pause(60), lambda _: 1), time, random.Random().random)

    def reload(times: int) -> int:
        for _ in range(times):
            poller.watch(TARGETS)
            poller.configure(Schedule(60, lambda _: Pause(60), lambda _: 1))
        gc.collect()
        current, _ = tracemalloc.get_traced_memory()
        return current

    tracemalloc.start()
    try:
        before = reload(10)
        assert reload(1000) - before < 100_000, "bytes"
    finally:
        tracemalloc.stop()
