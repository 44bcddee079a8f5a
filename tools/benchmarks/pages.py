"""CPU and memory of /metrics at 1,000 and 10,000 tunnels, beside generate_latest over the same series."""

import gzip

from prometheus_client import Metric as Family
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from aws_vpn_exporter.aws.connections import connections_in
from aws_vpn_exporter.demo.fleet import Fleet, Scenario, many
from aws_vpn_exporter.metrics.page import PLAIN, MetricsPage
from aws_vpn_exporter.policy import Settings
from aws_vpn_exporter.status import ConnectionsPoll, TargetStatus
from aws_vpn_exporter.target import Target
from tools.benchmarks.timing import milliseconds

NOW = 1_800_000_000.0
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
    fleet = Fleet(lambda: NOW, Scenario("", many(PER_TARGET)))
    connections = connections_in(fleet.describe("eu-west-1"))
    targets = [Target(f"{number:012}", "eu-west-1") for number in range(tunnels // 2 // PER_TARGET)]
    statuses = [TargetStatus(ConnectionsPoll(target, answer=connections, last_success=1.0)) for target in targets]
    metrics = MetricsPage(Settings())
    page = metrics.text(statuses, [], PLAIN, NOW)
    families = list(text_string_to_metric_families(page.decode()))
    ours = milliseconds(lambda: metrics.text(statuses, [], PLAIN, NOW), ROUNDS)
    plain = milliseconds(lambda: generate_latest(_Registry(families)), ROUNDS)
    packed = milliseconds(lambda: gzip.compress(page, 1), ROUNDS)
    return (
        f"| {tunnels:,} | {len(page) / 1e6:.1f} MB | {ours:.1f} ms | {plain:,.0f} ms | {plain / ours:,.0f} times | "
        f"{packed:.0f} ms |\n"
    )


class _Registry:
    def __init__(self, families: list[Family]) -> None:
        self._families = families

    def collect(self) -> list[Family]:
        return self._families
