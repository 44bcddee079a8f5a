"""Traffic that CloudWatch keeps under another form of dimensions, over the wire: found, or said to be missing."""

import time
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from aws_vpn_exporter.demo.fleet import Fleet
from aws_vpn_exporter.demo.server import SimulatedAws
from testbed.exporter_process import ExporterProcess, with_credentials
from testbed.exposition import samples, values

BOTH, ALONE = ("VpnId", "TunnelIpAddress"), ("TunnelIpAddress",)


class ByAddress(Fleet):
    """Knows a tunnel by its address alone, too; counts how often it was asked for each value."""

    def __init__(self) -> None:
        super().__init__(time.time, "all-healthy")
        self.asked: Counter[tuple[str, str, float]] = Counter()

    def traffic(
        self, region: str, connection_id: str, address: str, metric: str, begin: float, seconds: float
    ) -> float | None:
        self.asked[address, metric, begin] += 1
        answer: Mapping[str, Any] = self.describe(region)
        by_address = {
            report["OutsideIpAddress"]: connection["VpnConnectionId"]
            for connection in answer["VpnConnections"]
            for report in connection["VgwTelemetry"]
        }
        return super().traffic(region, connection_id or by_address[address], address, metric, begin, seconds)


@contextmanager
def watching(dimensions: Collection[str], tmp_path: Path) -> Iterator[tuple[ByAddress, SimulatedAws, ExporterProcess]]:
    file = tmp_path / "config.yaml"
    file.write_text("poll_interval: 1s\ntraffic: {interval: 1s, period: 1m}\n")
    fleet = ByAddress()
    with SimulatedAws(fleet, traffic_dimensions=dimensions) as aws:
        command = ("serve", f"--config.file={file}")
        with ExporterProcess(command, with_credentials(aws.url), tmp_path / "log") as exporter:
            yield fleet, aws, exporter


def requests(aws: SimulatedAws) -> int:
    return aws.calls.get(("GetMetricData", "eu-west-1"), 0)


@pytest.mark.parametrize(("dimensions", "in_vain"), [(BOTH, 0), (ALONE, 1)], ids=["both", "address alone"])
def test_the_form_in_which_traffic_is_kept_is_found_and_remembered(
    dimensions: Collection[str], in_vain: int, tmp_path: Path
) -> None:
    with watching(dimensions, tmp_path) as (fleet, aws, exporter):
        exporter.until(lambda: requests(aws) >= 7, "CloudWatch is asked again and again")
        page = exporter.metrics()
    assert values(page, "aws_vpn_source_up", source="traffic") == [1.0]
    up = {key for key, value in samples(page, "aws_vpn_tunnel_up").items() if value}
    assert samples(page, "aws_vpn_tunnel_receive_bytes_per_second").keys() == up
    answered = max(fleet.asked.values())
    assert in_vain <= requests(aws) - answered <= in_vain + 1, "the latest may have been under way"


def test_traffic_that_is_kept_under_no_known_form_is_said_to_be_missing(tmp_path: Path) -> None:
    with watching(("Region",), tmp_path) as (_, _, exporter):
        exporter.until(
            lambda: values(exporter.metrics(), "aws_vpn_source_poll_failures_total", cause="not_found") >= [2.0],
            "it fails again and again",
        )
        page = exporter.metrics()
        assert values(page, "aws_vpn_source_up", source="traffic") == [0.0]
        assert not samples(page, "aws_vpn_tunnel_receive_bytes_per_second")
        assert values(page, "aws_vpn_target_up") == [1.0]
        assert "neither by VpnId and TunnelIpAddress nor by TunnelIpAddress alone" in exporter.get("/").text
