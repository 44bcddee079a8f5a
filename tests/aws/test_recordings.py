"""Recorded answers of the EC2 API, served over the wire to the real command at its most talkative.

The recordings are no part of this project: name their folder in VPN_RECORDINGS.
"""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from aws_vpn_exporter.demo.server import SimulatedAws
from testbed.exporter_process import ExporterProcess, with_credentials
from testbed.exposition import openmetrics, samples, values
from testbed.programs import find

FOLDER = os.environ.get("VPN_RECORDINGS")
CANARY = "CANARY.PSK.MUST.NOT.LEAK"
RECORDINGS = sorted(Path(FOLDER).glob("*.json")) if FOLDER else []

pytestmark = pytest.mark.skipif(not RECORDINGS, reason="VPN_RECORDINGS names no folder with recordings")


def connections(recording: Path) -> list[dict[str, object]]:
    """The recorded connections; an excerpt without an id or a state gets one."""
    recorded = json.loads(recording.read_text())
    items = recorded.get("VpnConnections") or [recorded.get("VpnConnection", recorded)]
    return [{"VpnConnectionId": "vpn-0123456789abcdef0", "State": "available", **item} for item in items]


def in_service(item: Mapping[str, object]) -> bool:
    return item["State"] in ("available", "modifying")


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda path: path.stem)
def test_a_recording_gives_a_right_page_and_leaks_nothing(recording: Path, tmp_path: Path) -> None:
    items = connections(recording)
    log = tmp_path / "log"
    with (
        SimulatedAws(lambda _region: {"VpnConnections": items}) as simulated,
        ExporterProcess(("serve", "--log.level=debug"), with_credentials(simulated.url), log) as exporter,
    ):
        exporter.until_ready()
        page, status_page = exporter.metrics(), exporter.get("/").text
        in_openmetrics = exporter.get("/metrics", Accept="application/openmetrics-text; version=1.0.0").text
        checked = subprocess.run([find("promtool"), "check", "metrics"], input=page, capture_output=True, text=True)

    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")
    assert openmetrics(in_openmetrics)
    for said in (page, in_openmetrics, status_page, log.read_text()):
        assert CANARY not in said
    assert values(page, "aws_vpn_target_up") == [1.0]
    for item in items:
        check_connection(page, item)
    in_service_ids = {item["VpnConnectionId"] for item in items if in_service(item)}
    assert {dict(key)["vpn_connection_id"] for key in samples(page, "aws_vpn_tunnel_up")} <= in_service_ids


def check_connection(page: str, item: Mapping[str, object]) -> None:
    """What the page says of one connection, worked out from the recording by other means."""
    identity = {"vpn_connection_id": str(item["VpnConnectionId"])}
    assert values(page, "aws_vpn_connection_info", **identity) == [1.0]
    assert values(page, "aws_vpn_connection_state", **identity, state=str(item["State"])) == [1.0]
    assert sum(values(page, "aws_vpn_connection_state", **identity)) == 1.0
    reports = item.get("VgwTelemetry") or []
    assert isinstance(reports, list)
    up = [report["Status"] for report in reports].count("UP")
    expected = [float(up)] if in_service(item) and reports else []
    assert values(page, "aws_vpn_connection_tunnels_up", **identity) == expected
    for report in reports if in_service(item) else []:
        tunnel = {**identity, "tunnel_ip": report["OutsideIpAddress"]}
        assert values(page, "aws_vpn_tunnel_up", **tunnel) == [float(report["Status"] == "UP")]
        assert sum(values(page, "aws_vpn_tunnel_state", **tunnel)) == 1.0
        assert values(page, "aws_vpn_tunnel_accepted_routes", **tunnel) == [float(report["AcceptedRouteCount"])]
        assert values(page, "aws_vpn_tunnel_phase1_lifetime_seconds", **tunnel)
