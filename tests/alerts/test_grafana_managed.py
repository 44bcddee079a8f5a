"""Grafana-managed alert rules: each fires where the alert of the same name does, with its labels."""

import subprocess
from pathlib import Path

import pytest
import yaml

from testbed.programs import find
from tests.alerts.test_rules import needed_only
from tools.grafana_managed import FILE, RULES, alerts, query

RULE_TESTS = RULES.parent / "tests"


def test_every_alert_has_a_rule_of_its_own_with_the_runbook() -> None:
    [group] = yaml.safe_load(FILE.read_text())["groups"]
    shipped = {alert["alert"]: alert["annotations"]["runbook_url"] for alert in alerts()}
    assert {rule["title"]: rule["annotations"]["runbook_url"] for rule in group["rules"]} == shipped
    assert len({rule["uid"] for rule in group["rules"]}) == len(shipped)
    assert all(len(rule["uid"]) <= 40 for rule in group["rules"]), "more is refused by Grafana"
    for rule in group["rules"]:
        asked, fires = rule["data"]
        assert asked["model"]["expr"] == query(rule["title"])
        assert (rule["condition"], fires["model"]["expression"]) == (fires["refId"], asked["refId"])
        assert "{{" not in rule["annotations"]["summary"], "Grafana has no `query` in its templates"


@pytest.mark.parametrize("name", ["exporter", "source-failing", "tunnel-flapping"])
def test_it_asks_for_what_fires_and_for_nothing_else(name: str, tmp_path: Path) -> None:
    """The cases of the rules' own unit tests, asked in Grafana's way."""
    cases = yaml.safe_load((RULE_TESTS / f"{name}.test.yaml").read_text())
    asked = 0
    for case in cases["tests"]:
        case["promql_expr_test"] = [
            {
                "eval_time": one["eval_time"],
                "expr": query(one["alertname"]),
                "exp_samples": [
                    {"labels": "{" + ", ".join(f'{k}="{v}"' for k, v in fired["exp_labels"].items()) + "}", "value": 1}
                    for fired in one.get("exp_alerts") or ()
                ],
            }
            for one in case.pop("alert_rule_test", ())
        ]
        asked += len(case["promql_expr_test"])
    (tmp_path / "cases.yaml").write_text(yaml.safe_dump(cases))
    (tmp_path / "cut").mkdir()
    file = needed_only(tmp_path / "cases.yaml", tmp_path / "cut")
    done = subprocess.run([find("promtool"), "test", "rules", file], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert asked
