"""A fleet other than the demo's can stand behind the simulated AWS."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from aws_vpn_exporter.demo.backend import LogRecord
from aws_vpn_exporter.demo.server import SimulatedAws
from tests.support.aws_clients import ClientMaker

ADDRESS = "203.0.113.1"
START = datetime(2030, 1, 1, tzinfo=UTC)


class OneTunnel:
    """A fleet of one connection that has one tunnel."""

    def describe(self, region: str) -> Mapping[str, object]:
        telemetry = {"OutsideIpAddress": ADDRESS, "Status": "UP"}
        return {"VpnConnections": [{"VpnConnectionId": f"vpn-{region}", "VgwTelemetry": [telemetry]}]}

    def maintenance(self, region: str, connection_id: str, address: str) -> Mapping[str, object]:
        return {"VpnConnectionId": connection_id, "VpnTunnelOutsideIpAddress": address}

    def negotiated(self, region: str, connection_id: str, address: str) -> Mapping[str, object]:
        return {"ActiveVpnTunnelStatus": {"IkeVersion": "ikev2"}}

    def traffic(
        self, region: str, connection_id: str, address: str, metric: str, begin: float, seconds: float
    ) -> float:
        return 42.0

    def log(self, region: str, group: str, begin: float, end: float) -> Sequence[LogRecord]:
        return [LogRecord("stream", end, f"a line in {group}")]


@pytest.fixture
def aws() -> Iterator[SimulatedAws]:
    with SimulatedAws(OneTunnel()) as server:
        yield server


def test_connections_maintenance_and_negotiated_values_come_from_the_fleet(
    aws: SimulatedAws, client: ClientMaker
) -> None:
    ec2 = client("ec2", aws.url)
    (connection,) = ec2.describe_vpn_connections()["VpnConnections"]
    assert connection["VgwTelemetry"] == [{"OutsideIpAddress": ADDRESS, "Status": "UP"}]
    tunnel: dict[str, Any] = {
        "VpnConnectionId": connection["VpnConnectionId"],
        "VpnTunnelOutsideIpAddress": ADDRESS,
    }
    assert ec2.get_active_vpn_tunnel_status(**tunnel)["ActiveVpnTunnelStatus"] == {"IkeVersion": "ikev2"}
    maintenance = ec2.get_vpn_tunnel_replacement_status(**tunnel)
    assert {name: maintenance[name] for name in tunnel} == tunnel


def test_traffic_and_logs_come_from_the_fleet(aws: SimulatedAws, client: ClientMaker) -> None:
    dimensions = [{"Name": "VpnId", "Value": "vpn-1"}, {"Name": "TunnelIpAddress", "Value": ADDRESS}]
    metric = {"Namespace": "AWS/VPN", "MetricName": "TunnelDataIn", "Dimensions": dimensions}
    data = client("cloudwatch", aws.url).get_metric_data(
        MetricDataQueries=[{"Id": "a", "MetricStat": {"Metric": metric, "Period": 300, "Stat": "Sum"}}],
        StartTime=START,
        EndTime=START.timestamp() + 300,
    )
    assert data["MetricDataResults"][0]["Values"] == [42.0]
    events = client("logs", aws.url).filter_log_events(logGroupName="group", endTime=5000)["events"]
    assert [(event["timestamp"], event["message"]) for event in events] == [(5000, "a line in group")]
