"""Writes docs/PAGES.md from the alerts' unit tests and the Alertmanager templates: what people see."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from testbed.programs import REPOSITORY, find
from tools.generated import main

ALERTS = REPOSITORY / "alerts"
TEMPLATES = ALERTS / "alertmanager" / "templates" / "*.tmpl"
STARTED, ENDED = "2026-03-08T02:15:00Z", "2026-03-08T03:05:00Z"
LOCK_SCREEN = 60

SITUATIONS = {
    "A connection is down": "AwsVpnConnectionDown",
    "Many connections of one gateway are down": "AwsVpnManyConnectionsDown",
    "AWS does not answer for half an hour": "AwsVpnBlind",
    "A connection has lost its redundancy": "AwsVpnConnectionRedundancyLost",
    "It has been without redundancy for a day": "AwsVpnConnectionRedundancyLostForLong",
    "A tunnel is up without routes": "AwsVpnTunnelNoRoutes",
    "AWS is about to replace an endpoint": "AwsVpnTunnelMaintenanceImminent",
    "A connection has never been up": "AwsVpnConnectionNeverUp",
    "A policy refuses regions": "AwsVpnRegionsRefused",
    "Tunnels allow IKEv1": "AwsVpnTunnelAllowsIkev1",
}

HEAD = """\
# What arrives

<!-- Written by tools/pages.py from alerts/tests/ and alerts/alertmanager/templates/: run `make generate`. -->

Ten situations, and the end of the first one, as `alerts/alertmanager/` sends them. A lock screen shows about 60
characters, so that the verdict, the name and the site come first. PagerDuty shows the title as the incident's name and
the text in its details, Slack the title as a link to the dashboard and the text below, an e-mail the title as its
subject.
"""


def generated() -> Mapping[Path, str]:
    """What docs/PAGES.md should hold."""
    cases = [case for path in sorted((ALERTS / "tests").glob("*.test.yaml")) for case in _tests(path)]
    parts = [HEAD]
    for situation, alert in SITUATIONS.items():
        parts.append(_section(situation, _message(cases, alert, "firing")))
    parts.append(_section("The first one is over", _message(cases, "AwsVpnConnectionDown", "resolved")))
    return {REPOSITORY / "docs" / "PAGES.md": "\n".join(parts)}


def _tests(path: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load(path.read_text())["tests"])


def _message(cases: list[dict[str, Any]], name: str, status: str) -> dict[str, Any]:
    case = next(case for case in cases if case["name"] == f"{name}: fires")
    [fired] = [alert for check in case["alert_rule_test"] for alert in check["exp_alerts"]]
    ends = ENDED if status == "resolved" else "0001-01-01T00:00:00Z"
    alert = {
        "status": status,
        "labels": {"alertname": name, **fired["exp_labels"]},
        "annotations": fired["exp_annotations"],
        "startsAt": STARTED,
        "endsAt": ends,
    }
    return {"status": status, "alerts": [alert], "commonAnnotations": alert["annotations"]}


def _section(situation: str, message: dict[str, Any]) -> str:
    title, text, dashboard = (_rendered(message, part) for part in ("title", "text", "dashboard_url"))
    where = {"critical": "the pager", "warning": "the chat", "info": "a ticket"}
    severity = message["alerts"][0]["labels"]["severity"]
    return f"""\
## {situation}

To {where[severity]}. On a lock screen: `{title[:LOCK_SCREEN]}`

```text
PagerDuty  {title}
Slack      {title}
           {dashboard}
E-mail     Subject: {title}

{text}
```
"""


def _rendered(message: dict[str, Any], part: str) -> str:
    with tempfile.NamedTemporaryFile("w", suffix=".json") as data:
        json.dump(message, data)
        data.flush()
        command: list[str] = [
            str(find("amtool")),
            "template",
            "render",
            f"--template.glob={TEMPLATES}",
            f"--template.data={data.name}",
        ]
        done: subprocess.CompletedProcess[str] = subprocess.run(
            [*command, f'--template.text={{{{ template "aws_vpn.{part}" . }}}}'],
            capture_output=True,
            text=True,
            check=True,
        )
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main(__doc__, generated()))
