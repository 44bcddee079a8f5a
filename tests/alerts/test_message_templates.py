"""What the Alertmanager example's templates make of alerts: what people read."""

import json
from pathlib import Path
from typing import Any

from testbed.programs import find
from tests.alerts.test_alertmanager import EXAMPLE, VERSIONS, connection, output

PAGE = {
    "status": "firing",
    "alerts": [
        {
            "status": "firing",
            "labels": connection("AwsVpnConnectionDown", severity="critical"),
            "annotations": {
                "verdict": "VPN DOWN",
                "summary": "An AWS Site-to-Site VPN connection is down, no tunnel carries traffic.",
                "description": "No tunnel is up.",
                "connection": "Berlin office (vpn-a)",
                "site": "berlin",
                "account": "network (111122223333), eu-west-1",
                "gateway": "cgw-1 (198.51.100.7) to tgw-1",
                "tunnels": "192.0.2.1 ipsec down since 2026-01-01 00:02:20 +0000 UTC",
                "probable_cause": "192.0.2.1 endpoint replacement (likely)",
                "maintenance": "192.0.2.1 by AWS at 2026-01-01 00:01:30 +0000 UTC",
                "fell_with": "Potsdam (vpn-b)",
                "dashboard_path": "/d/aws-vpn-connection?var-connection=vpn-a",
                "runbook_url": "https://example.org/AwsVpnConnectionDown.md",
            },
            "startsAt": "2026-01-01T00:03:05Z",
            "endsAt": "0001-01-01T00:00:00Z",
        }
    ],
}


def rendered(tmp_path: Path, old: bool, template: str, message: dict[str, Any]) -> str:
    data = tmp_path / "message.json"
    common = {"commonAnnotations": message["alerts"][0]["annotations"]} if len(message["alerts"]) == 1 else {}
    data.write_text(json.dumps(message | common))
    return output(
        find("amtool", old),
        "template",
        "render",
        f"--template.glob={EXAMPLE}/templates/*.tmpl",
        f"--template.text={{{{ template {json.dumps(template)} . }}}}",
        f"--template.data={data}",
    ).strip()


@VERSIONS
def test_a_page_names_connection_site_tunnels_and_remedy(tmp_path: Path, old: bool) -> None:
    assert rendered(tmp_path, old, "aws_vpn.title", PAGE) == "VPN DOWN: Berlin office (vpn-a), berlin"
    assert rendered(tmp_path, old, "aws_vpn.text", PAGE).splitlines() == [
        "No tunnel is up.",
        "Account: network (111122223333), eu-west-1",
        "Gateways: cgw-1 (198.51.100.7) to tgw-1",
        "Tunnels: 192.0.2.1 ipsec down since 2026-01-01 00:02:20 +0000 UTC",
        "Probable cause: 192.0.2.1 endpoint replacement (likely)",
        "Maintenance: 192.0.2.1 by AWS at 2026-01-01 00:01:30 +0000 UTC",
        "Fell with it: Potsdam (vpn-b)",
        "Alert since 2026-01-01 00:03 UTC",
        "Dashboard: https://grafana.example.org/d/aws-vpn-connection?var-connection=vpn-a",
        "Runbook: https://example.org/AwsVpnConnectionDown.md",
    ]


@VERSIONS
def test_a_page_leaves_out_what_nobody_knows(tmp_path: Path, old: bool) -> None:
    annotations = dict.fromkeys(PAGE["alerts"][0]["annotations"], "")  # type: ignore[index]
    shown = annotations | {
        "description": "VPN connection vpn-a has no tunnel up.",
        "runbook_url": "https://example.org",
    }
    message = {"status": "firing", "alerts": [PAGE["alerts"][0] | {"annotations": shown}]}  # type: ignore[operator]
    assert rendered(tmp_path, old, "aws_vpn.text", message).splitlines() == [
        "VPN connection vpn-a has no tunnel up.",
        "Alert since 2026-01-01 00:03 UTC",
        "Dashboard: https://grafana.example.org",
        "Runbook: https://example.org",
    ]


@VERSIONS
def test_a_resolved_notice_says_so_first(tmp_path: Path, old: bool) -> None:
    ended = PAGE["alerts"][0] | {"status": "resolved", "endsAt": "2026-01-01T00:30:00Z"}  # type: ignore[operator]
    message = {"status": "resolved", "alerts": [ended]}
    assert rendered(tmp_path, old, "aws_vpn.title", message) == "RESOLVED: VPN DOWN: Berlin office (vpn-a), berlin"
    assert rendered(tmp_path, old, "aws_vpn.text", message) == (
        "Resolved at 2026-01-01 00:30 UTC: VPN DOWN: Berlin office (vpn-a), berlin"
    )


@VERSIONS
def test_several_alerts_are_counted_and_all_told(tmp_path: Path, old: bool) -> None:
    message = {"status": "firing", "alerts": PAGE["alerts"] * 2}  # type: ignore[operator]
    assert rendered(tmp_path, old, "aws_vpn.title", message) == "2 VPN alerts"
    text = rendered(tmp_path, old, "aws_vpn.text", message)
    assert text.count("Runbook: ") == text.count("VPN DOWN: Berlin office (vpn-a), berlin\n") == 2


@VERSIONS
def test_of_hundreds_of_alerts_the_first_are_told_and_the_others_are_named(tmp_path: Path, old: bool) -> None:
    message = {"status": "firing", "alerts": PAGE["alerts"] * 300}  # type: ignore[operator]
    lines = rendered(tmp_path, old, "aws_vpn.text", message).splitlines()
    assert len([line for line in lines if line.startswith("Runbook: ")]) == 5
    assert lines.count("VPN DOWN: Berlin office (vpn-a), berlin") == 50
    assert lines[-1] == "... 300 alerts in all"
