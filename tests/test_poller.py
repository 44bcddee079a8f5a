"""The threads: no target is polled twice at once, a hanging one holds nobody up, memory stays flat."""

import random
import threading
import time
import tracemalloc
from collections import Counter

from aws_vpn_exporter.catalogue import Knowledge
from aws_vpn_exporter.exposition import PLAIN, Exposition
from aws_vpn_exporter.model import (
    Connection,
    ConnectionState,
    Finding,
    Settings,
    Target,
    Telemetry,
    Tunnel,
    TunnelState,
)
from aws_vpn_exporter.poller import Lane, Pause, Poller, Schedule, Workers
from tests.pages import Clock

TARGETS = {Target("123456789012", f"region-{number}"): Finding() for number in range(20)}


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

    poller = Poller(fetch, Schedule(0.01, lambda _: Pause(0.01), lambda _: 1), time, random.random)
    poller.watch(TARGETS)
    Workers(poller, Lane.ANSWERING, 8).grow()
    for _ in range(19 * 20):
        assert done.acquire(timeout=10)
    polls = {report.target: report.polls for report in poller.reports()}
    assert polls[hanging] == 0
    assert not poller.ready
    assert all(polls[target] >= 5 for target in TARGETS if target != hanging)
    release.set()
    while not poller.ready:
        assert done.acquire(timeout=10)
    assert set(most.values()) == {1}


def test_memory_stays_flat_over_many_polls_with_churn() -> None:
    clock, number = Clock(), 0

    def fetch(_: Target) -> tuple[Connection, ...]:
        return tuple(connection(n % 250) for n in range(number, number + 5))

    poller = Poller(fetch, Schedule(30, lambda _: Pause(30), lambda _: 300), clock, lambda: 0.0)
    poller.watch(dict(list(TARGETS.items())[:2]))
    exposition = Exposition(Settings())

    def rounds(count: int) -> None:
        nonlocal number
        for _ in range(count):
            number += 7
            clock.now += 30
            while target := poller.take(Lane.ANSWERING):
                poller.poll(target)
            exposition.page([Knowledge(report) for report in poller.reports()], [], PLAIN, clock.now)

    tracemalloc.start()
    try:
        rounds(20)
        before, _ = tracemalloc.get_traced_memory()
        rounds(480)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 200_000
