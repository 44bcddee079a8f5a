"""Writes alerts/grafana/aws-vpn.yaml: a Grafana-managed alert rule for each alert of the rules file.

Each asks whether the alert of the same name fires in the data source, so that both forms give one verdict. Rules are
evaluated where the series are, as they need each other's results and what they said before; Grafana routes and tells.
"""

import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from tools.generated import ROOT, main

RULES = ROOT / "alerts" / "aws-vpn.rules.yaml"
FILE = ROOT / "alerts" / "grafana" / "aws-vpn.yaml"

HEAD = """\
# Written by tools/grafana_managed.py from alerts/aws-vpn.rules.yaml: run `make generate`.
#
# Grafana-managed alert rules, for /etc/grafana/provisioning/alerting. The rules file itself has to be loaded in the
# Prometheus, Mimir or managed service behind the data source, whose uid Grafana reads from its environment variable
# AWS_VPN_PROMETHEUS_UID. Turn off the Alertmanager behind that data source, or people are told twice.
"""
DATA_SOURCE = "${AWS_VPN_PROMETHEUS_UID}"


def alerts() -> Iterator[Mapping[str, Any]]:
    """The alerts of the rules file."""
    for group in yaml.safe_load(RULES.read_text("utf-8"))["groups"]:
        yield from (rule for rule in group["rules"] if "alert" in rule)


def query(name: str) -> str:
    """What Grafana asks: a sample for each alert of the name that fires, with the alert's own labels."""
    return f'max without (alertname, alertstate) (ALERTS{{alertname="{name}",alertstate="firing"}})'


def _rule(alert: Mapping[str, Any]) -> Mapping[str, Any]:
    name = alert["alert"]
    asked = {"refId": "A", "expr": query(name), "instant": True, "range": False}
    fires = {
        "refId": "B",
        "type": "threshold",
        "expression": "A",
        "conditions": [{"evaluator": {"type": "gt", "params": [0]}}],
    }
    return {
        "uid": re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()[:40],
        "title": name,
        "condition": "B",
        "data": [
            {"refId": "A", "datasourceUid": DATA_SOURCE, "relativeTimeRange": {"from": 60, "to": 0}, "model": asked},
            {"refId": "B", "datasourceUid": "__expr__", "relativeTimeRange": {"from": 0, "to": 0}, "model": fires},
        ],
        "for": "0s",
        "noDataState": "OK",  # no alert of the name fires
        "execErrState": "Error",
        "annotations": {key: alert["annotations"][key] for key in ("summary", "runbook_url")},
    }


def generated() -> str:
    """The file."""
    group = {
        "orgId": 1,
        "name": "aws-vpn",
        "folder": "AWS VPN",
        "interval": "10s",
        "rules": [_rule(alert) for alert in alerts()],
    }
    return HEAD + yaml.safe_dump({"apiVersion": 1, "groups": [group]}, sort_keys=False, width=1000, allow_unicode=True)


if __name__ == "__main__":
    sys.exit(main(str(__doc__), {FILE: generated()}))
