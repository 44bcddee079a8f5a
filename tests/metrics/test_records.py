"""The metrics, the documentation and the golden pages tell the same story."""

import subprocess
import time
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from aws_vpn_exporter.demo.fleet import Fleet
from aws_vpn_exporter.demo.server import SimulatedAws
from aws_vpn_exporter.evidence import Change, Changes, Quotas, SourceAnswer
from aws_vpn_exporter.metrics import METRICS
from aws_vpn_exporter.metrics.page import PLAIN, MetricsPage
from aws_vpn_exporter.model import Connection, ConnectionState, Tunnel, TunnelId
from aws_vpn_exporter.policy import Settings
from aws_vpn_exporter.status import SourcePoll, TargetStatus
from aws_vpn_exporter.target import PollStatus, Target
from testbed.exporter_process import ExporterProcess, with_credentials
from testbed.exposition import values
from testbed.programs import find

ROOT = Path(__file__).parents[2]
PAGES = sorted(ROOT.glob("tests/golden/*/expected.prom"))
DEMO_CONFIG = ROOT / "exporter" / "aws_vpn_exporter" / "demo" / "config.yaml"
IDENTITY = {"account_id", "region", "vpn_connection_id", "tunnel_ip"}


def rare() -> str:
    """A page with what the demo never says: a change by somebody, log lines of nobody's tunnel, quotas."""
    target, tunnel = Target("123456789012", "eu-west-1"), TunnelId("vpn-1", "203.0.113.1")
    connection = Connection("vpn-1", ConnectionState.AVAILABLE, tunnels=(Tunnel(tunnel.tunnel_ip),))
    changes = Changes((Change(1_800_000_000.0, "ModifyVpnTunnelOptions", "alice"),))
    sources: dict[str, SourcePoll] = {
        "changes": PollStatus(target, answer=SourceAnswer({tunnel: changes})),
        "logs": PollStatus(target, answer=SourceAnswer({}, unmatched=3)),
        "quotas": PollStatus(target, answer=SourceAnswer({tunnel: Quotas(50, None)})),
    }
    status = TargetStatus(PollStatus(target, answer=(connection,)), sources)
    return MetricsPage(Settings()).text([status], [], PLAIN, 1_800_000_000.0).decode()


def test_every_metric_is_published_by_some_page_with_the_labels_it_declares(tmp_path: Path) -> None:
    fleet = Fleet(time.time, "causes")
    with (
        SimulatedAws(fleet.describe, sources=fleet) as aws,
        ExporterProcess(
            ("serve", f"--config.file={DEMO_CONFIG}"), with_credentials(aws.url), tmp_path / "log"
        ) as exporter,
    ):
        aws.fail("FilterLogEvents", "denied")
        exporter.until(lambda: values(exporter.metrics(), "aws_vpn_source_poll_failures_total"), "a failure")
        aws.heal()
        aws.fail("DescribeVpnConnections", "denied")
        exporter.until(lambda: values(exporter.metrics(), "aws_vpn_target_poll_failures_total"), "a failure")
        exporter.until(lambda: values(exporter.metrics(), "aws_vpn_tunnel_log_events_total"), "the logs", 40)
        exporter.until(lambda: values(exporter.metrics(), "aws_vpn_tunnel_traffic_timestamp_seconds"), "the traffic")
        exporter.until(lambda: values(exporter.metrics(), "aws_vpn_tunnel_negotiated_info"), "the negotiated values")
        live = exporter.metrics()
    published: dict[str, set[str]] = {}
    for page in (live, rare(), *(file.read_text() for file in PAGES)):
        for family in text_string_to_metric_families(page):
            for sample in family.samples:
                published.setdefault(sample.name, set()).update(sample.labels)
    ours = {name for name in published if not name.startswith("process_")}
    assert ours == {metric.name for metric in METRICS}
    for metric in METRICS:
        declared = set(metric.labels)
        labels = published[metric.name] - IDENTITY - ({"site"} - declared)
        if "tag_*" in declared:
            declared, labels = declared - {"tag_*"}, {label for label in labels if not label.startswith("tag_")}
        assert labels == declared, metric.name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.parent.name)
def test_promtool_finds_nothing_to_say(page: Path) -> None:
    checked = subprocess.run(
        [find("promtool"), "check", "metrics"], input=page.read_text(), capture_output=True, text=True
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")
