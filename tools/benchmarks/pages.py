"""CPU and memory of /metrics at 1,000 and 10,000 tunnels, beside generate_latest over the same series."""

import gzip
from collections.abc import Iterable

from prometheus_client import Metric as Family
from prometheus_client.exposition import generate_latest

from aws_vpn_exporter import parse
from aws_vpn_exporter.catalogue import Knowledge, connection_families, target_families
from aws_vpn_exporter.demo.fleet import Fleet, Scenario, many
from aws_vpn_exporter.exposition import PLAIN, Exposition
from aws_vpn_exporter.model import Settings, Snapshot, Target, TargetReport
from tools.benchmarks.timing import milliseconds

ROUNDS = 7
PER_TARGET = 50


def table() -> str:
    """The section of the page."""
    lines = "".join(_rows(tunnels) for tunnels in (1_000, 10_000))
    return (
        "## CPU of /metrics\n\nNothing changed since the scrape before; targets of 50 connections each.\n\n"
        "| tunnels | page | the exporter | generate_latest over the same series | ratio | gzip of the page |\n"
        f"|---|---|---|---|---|---|\n{lines}\n"
        "A scrape after polls renders anew only the targets whose connections changed, and a few lines of each target "
        "that was polled.\n"
    )


def _rows(tunnels: int) -> str:
    fleet = Fleet(lambda: 1_800_000_000.0, Scenario("", many(PER_TARGET)))
    connections = parse.connections(fleet.describe("eu-west-1"))
    targets = [Target(f"{number:012}", "eu-west-1") for number in range(tunnels // 2 // PER_TARGET)]
    snapshot = Snapshot(connections, 1.0)
    known = [Knowledge(TargetReport(target, snapshot=snapshot, last_success=1.0)) for target in targets]
    settings, exposition = Settings(), Exposition(Settings())
    families = _merged(family for one in known for family in _families(one, settings))
    ours = milliseconds(lambda: exposition.page(known, [], PLAIN, 1_800_000_000.0), ROUNDS)
    plain = milliseconds(lambda: generate_latest(_Registry(families)), ROUNDS)
    page = exposition.page(known, [], PLAIN, 1_800_000_000.0)
    assert len(generate_latest(_Registry(families))) == len(page)
    packed = milliseconds(lambda: gzip.compress(page, 1), ROUNDS)
    return (
        f"| {tunnels:,} | {len(page) / 1e6:.1f} MB | {ours:.1f} ms | {plain:,.0f} ms | {plain / ours:,.0f} times | "
        f"{packed:.0f} ms |\n"
    )


def _families(known: Knowledge, settings: Settings) -> Iterable[Family]:
    return (*connection_families(known, settings, 1_800_000_000.0), *target_families(known))


def _merged(families: Iterable[Family]) -> list[Family]:
    found: dict[str, Family] = {}
    for family in families:
        found.setdefault(family.name, Family(family.name, family.documentation, family.type)).samples += family.samples
    return [family for family in found.values() if family.samples]


class _Registry:
    def __init__(self, families: list[Family]) -> None:
        self._families = families

    def collect(self) -> list[Family]:
        return self._families
