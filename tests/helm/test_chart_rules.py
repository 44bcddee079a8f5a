"""The PrometheusRule says what `alerts/` says, and each of its values changes what it promises to change."""

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import helm_python
import pytest
import yaml

from testbed.programs import REPOSITORY, find
from tests.helm.chart import manifests, one

RULES = REPOSITORY / "alerts" / "aws-vpn.rules.yaml"


def groups(**values: Any) -> list[dict[str, Any]]:
    rule = one("PrometheusRule", manifests({"prometheusRule": {"enabled": True, **values}}))
    return list(rule["spec"]["groups"])


def alerts(**values: Any) -> dict[str, dict[str, Any]]:
    return {rule["alert"]: rule for group in groups(**values) for rule in group["rules"] if "alert" in rule}


def original() -> list[dict[str, Any]]:
    return list(yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"])


def promtool(*arguments: str, within: Path) -> None:
    run = subprocess.run([find("promtool"), *arguments], cwd=within, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.fixture
def rule_file(tmp_path: Path) -> Path:
    """The rendered rules, where the tests of `alerts/` expect theirs."""
    file = tmp_path / RULES.name
    file.write_text(yaml.safe_dump({"groups": groups()}, sort_keys=False), encoding="utf-8")
    return file


def test_the_rules_are_those_of_the_project() -> None:
    assert groups() == original()


def test_promtool_accepts_the_rules(rule_file: Path) -> None:
    promtool("check", "rules", rule_file.name, within=rule_file.parent)


def test_promtool_accepts_rules_with_every_value_set(tmp_path: Path) -> None:
    changed = groups(
        alerts={"AwsVpnDataStale": {"for": "1h", "severity": "info", "labels": {"a": "b"}, "annotations": {"c": "d"}}},
        additionalRuleLabels={"team": "network"},
        runbookBaseUrl="https://runbooks.example.com",
        extraGroups=[{"name": "own", "rules": [{"alert": "Own", "expr": "vector(1)"}]}],
    )
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": changed}), encoding="utf-8")
    promtool("check", "rules", "rules.yaml", within=tmp_path)


def test_an_alert_that_is_switched_off_is_gone_and_nothing_else() -> None:
    without = [
        {**group, "rules": [rule for rule in group["rules"] if rule.get("alert") != "AwsVpnTunnelFlapping"]}
        for group in original()
    ]
    assert groups(alerts={"AwsVpnTunnelFlapping": {"enabled": False}}) == without


def test_for_severity_labels_and_annotations_of_one_alert_change() -> None:
    change = {"for": "20m", "severity": "critical", "labels": {"pager": "yes"}, "annotations": {"owner": "network"}}
    before, after = alerts(), alerts(alerts={"AwsVpnConnectionRedundancyLost": change})
    changed = after.pop("AwsVpnConnectionRedundancyLost")
    former = before.pop("AwsVpnConnectionRedundancyLost")
    assert after == before
    assert changed == {
        **former,
        "for": "20m",
        "labels": {"severity": "critical", "pager": "yes"},
        "annotations": {**former["annotations"], "owner": "network"},
    }


def test_labels_and_annotations_for_every_alert_reach_alerts_and_no_recording() -> None:
    found = groups(additionalRuleLabels={"team": "network"}, additionalRuleAnnotations={"owner": "network"})
    for rule in (rule for group in found for rule in group["rules"]):
        if "alert" in rule:
            assert rule["labels"]["team"] == "network"
            assert rule["labels"]["severity"]
            assert rule["annotations"]["owner"] == "network"
        else:
            assert "team" not in rule.get("labels", {})


@pytest.mark.parametrize("base", ["https://runbooks.example.com/vpn", "https://runbooks.example.com/vpn/"])
def test_runbooks_are_where_the_values_say(base: str) -> None:
    urls: Mapping[str, str] = {name: rule["annotations"]["runbook_url"] for name, rule in alerts().items()}
    moved = {name: rule["annotations"]["runbook_url"] for name, rule in alerts(runbookBaseUrl=base).items()}
    assert moved == {name: f"https://runbooks.example.com/vpn/{Path(url).name}" for name, url in urls.items()}


def test_an_unknown_alert_is_refused_and_the_known_ones_are_named() -> None:
    with pytest.raises(helm_python.HelmError, match=r"names AwsVpnDown, but there is no such alert.*AwsVpnDataStale"):
        groups(alerts={"AwsVpnDown": {"enabled": False}})
