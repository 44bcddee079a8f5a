"""The alert rules: valid for old and new Prometheus, tested one by one, explained in runbooks."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from testbed.programs import REPOSITORY, find

RULES = REPOSITORY / "alerts" / "aws-vpn.rules.yaml"
README = REPOSITORY / "alerts" / "README.md"
UNIT_TESTS = sorted((REPOSITORY / "alerts" / "tests").glob("*.test.yaml"))
RUNBOOKS = REPOSITORY / "docs" / "runbooks"
TOPOLOGIES = REPOSITORY / "alerts" / "tests" / "ordinary-topologies.test.yaml"
RECORDED = re.compile(r"\b(?:vpn_connection|vpn_tunnel|vpn_target|vpn_path|job):[\w:]+")
METRICS = REPOSITORY / "docs" / "METRICS.md"

Rule = dict[str, Any]
VERSIONS = pytest.mark.parametrize("old", [False, True], ids=["new", "old"])
CASES = ("fires", "stays silent", "resolves", "survives a missed scrape")
IDENTITY = {
    "job",
    "account_id",
    "region",
    "vpn_connection_id",
    "tunnel_ip",
    "source",
    "direction",
    "site",
    "vpn_gateway_id",
}
ROUTING = {"severity", "team", "shared"}
SHARED = {"gateway_id", "customer_gateway_id", "shared", "team"}


@cache
def rules() -> tuple[Rule, ...]:
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return tuple(rule for group in groups for rule in group["rules"])


ALERTS = {rule["alert"]: rule for rule in rules() if "alert" in rule}
EACH_ALERT = pytest.mark.parametrize("name", ALERTS)


@cache
def unit_cases() -> tuple[dict[str, Any], ...]:
    return tuple(case for path in UNIT_TESTS for case in yaml.safe_load(path.read_text())["tests"])


def run(*command: str | Path) -> None:
    # promtool has more use for the time than for the memory: its garbage collection is a fifth of its work.
    environment = {**os.environ, "GOGC": "400"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr


@VERSIONS
def test_promtool_accepts_the_rules(old: bool) -> None:
    run(find("promtool", old), "check", "rules", RULES)


@pytest.fixture(scope="module")
def pool() -> Iterator[ThreadPoolExecutor]:
    """promtool keeps one core busy for seconds; the other cores take the next files meanwhile."""
    made = ThreadPoolExecutor(os.cpu_count())
    yield made
    made.shutdown(cancel_futures=True)


@pytest.fixture(scope="module", params=[False, True], ids=["new", "old"])
def outcomes(
    request: pytest.FixtureRequest, pool: ThreadPoolExecutor, tmp_path_factory: pytest.TempPathFactory
) -> dict[Path, Future[None]]:
    promtool = find("promtool", request.param)
    folder = tmp_path_factory.mktemp("rules")
    return {path: pool.submit(run, promtool, "test", "rules", needed_only(path, folder)) for path in UNIT_TESTS}


def needed_only(path: Path, folder: Path) -> Path:
    """A copy of the unit tests beside the rules that they need: promtool evaluates every rule that it is given.

    Those are the alerts that the tests name, and whatever these read in turn, in their groups and order.
    """
    tests = yaml.safe_load(path.read_text())
    needed: set[str] = set()
    waiting = [_text(tests)]
    while waiting:
        text = waiting.pop()
        for rule in rules():
            name = str(rule.get("alert") or rule["record"])
            if name not in needed and re.search(rf"(?<![\w:]){re.escape(name)}(?![\w:])", text):
                needed.add(name)
                waiting.append(_text(rule))
    groups = yaml.safe_load(RULES.read_text())["groups"]
    for group in groups:
        group["rules"] = [rule for rule in group["rules"] if (rule.get("alert") or rule["record"]) in needed]
    (folder / f"{path.name}.rules.yaml").write_text(yaml.safe_dump({"groups": [g for g in groups if g["rules"]]}))
    copy = folder / path.name
    copy.write_text(yaml.safe_dump({**tests, "rule_files": [f"{path.name}.rules.yaml"]}))
    return copy


def _text(value: object) -> str:
    return json.dumps(value).replace("\\n", " ")


@pytest.mark.parametrize("path", UNIT_TESTS, ids=lambda path: path.name.removesuffix(".test.yaml"))
def test_promtool_unit_tests_pass(path: Path, outcomes: dict[Path, Future[None]]) -> None:
    outcomes[path].result()


@EACH_ALERT
def test_every_alert_has_its_four_cases(name: str) -> None:
    missing = {f"{name}: {case}" for case in CASES} - {case["name"] for case in unit_cases()}
    assert not missing


@EACH_ALERT
def test_every_alert_is_expected_to_fire_with_its_whole_text(name: str) -> None:
    case = next(case for case in unit_cases() if case["name"] == f"{name}: fires")
    expected = [alert for check in case["alert_rule_test"] for alert in check["exp_alerts"]]
    assert [set(alert["exp_annotations"]) for alert in expected] == [set(ALERTS[name]["annotations"])]
    assert all(set(alert["exp_labels"]) <= IDENTITY | ROUTING for alert in expected)


@EACH_ALERT
def test_every_alert_says_what_it_is(name: str) -> None:
    rule = ALERTS[name]
    annotations = rule["annotations"]
    assert rule["labels"].keys() == {"severity"}
    assert rule["labels"]["severity"] in {"critical", "warning", "info"} or name == "AwsVpnWatchdog"
    assert annotations["summary"].endswith(".")
    assert "{{" not in annotations["summary"], "a summary is constant, so that alerts can be grouped by it"
    assert annotations["description"].endswith(".")
    assert annotations["dashboard_path"].startswith("/d/aws-vpn-")
    assert annotations["runbook_url"].endswith(f"/docs/runbooks/{name}.md")


@EACH_ALERT
def test_every_alert_has_a_runbook(name: str) -> None:
    headings = re.findall(r"^## (.+)$", (RUNBOOKS / f"{name}.md").read_text(), re.MULTILINE)
    assert headings == ["Meaning", "Impact", "Diagnosis", "Mitigation"]


@EACH_ALERT
def test_every_runbook_names_the_dashboard_that_the_page_links_to(name: str) -> None:
    uid = ALERTS[name]["annotations"]["dashboard_path"].partition("?")[0]
    title = json.loads((REPOSITORY / "grafana" / f"{uid.removeprefix('/d/')}.json").read_text())["title"]
    assert f"Dashboard: {title} (`{uid}`)" in (RUNBOOKS / f"{name}.md").read_text()


def test_every_runbook_has_an_alert() -> None:
    assert {path.stem for path in RUNBOOKS.glob("*.md")} - {"causes", "remedies", "risks"} == set(ALERTS)


def table_rows() -> dict[str, list[str]]:
    rows = re.findall(r"^\| \[(AwsVpn\w+)\]\([^)]*\) \| (.+) \|$", README.read_text(), re.MULTILINE)
    return {name: cells.split(" | ") for name, cells in rows}


def test_the_table_lists_every_alert() -> None:
    assert set(table_rows()) == set(ALERTS)


@EACH_ALERT
def test_the_table_says_what_the_rules_do(name: str) -> None:
    severity, pending, condition = table_rows()[name]
    rule = ALERTS[name]
    assert severity == rule["labels"]["severity"]
    assert pending.strip("`") == rule.get("for", "none")
    read = expression_with_records(rule["expr"])
    for number in re.findall(r"`([^`]+)`", condition):
        assert re.search(rf"(?<![\w.]){number}(?![\w.])", read), f"{number} is not in the rule"


def test_the_readme_explains_the_numbers_of_every_alert() -> None:
    explained = re.findall(r"^\*\*(AwsVpn\w+)\.\*\* \S", README.read_text(), re.MULTILINE)
    assert sorted(explained) == sorted(ALERTS)


def test_no_line_of_a_table_is_too_long_to_be_read() -> None:
    rows = [line for line in README.read_text().splitlines() if line.startswith("|")]
    assert [row for row in rows if len(row) > 300] == []


def test_the_table_of_topologies_names_the_connections_of_its_unit_test() -> None:
    section = README.read_text().partition("## Ordinary topologies")[2].partition("\n## ")[0]
    named = set(re.findall(r"`(vpn-[\w-]+)`", section))
    tested = set(re.findall(r'vpn_connection_id="(vpn-[\w-]+)"', TOPOLOGIES.read_text()))
    assert named == tested


RECORDS = {rule["record"]: rule["expr"] for rule in rules() if "record" in rule}


def expression_with_records(expression: str) -> str:
    """The expression, and those of all recording rules that it reads."""
    read: dict[str, str] = {}
    waiting = [expression]
    while waiting:
        for name in set(RECORDED.findall(waiting.pop())) & RECORDS.keys() - read.keys():
            read[name] = RECORDS[name]
            waiting.append(RECORDS[name])
    return "\n".join((expression, *read.values()))


def without_labels_and_strings(expression: str) -> str:
    return re.sub(r'"[^"]*"|\{[^}]*\}', "", expression)


def test_the_rules_read_published_metrics_only() -> None:
    if not METRICS.is_file():
        pytest.skip("docs/METRICS.md is not generated yet")
    published = set(re.findall(r"\baws_vpn_\w+", METRICS.read_text()))
    for rule in rules():
        texts = [rule["expr"], *re.findall(r"`([^`]+)`", str(rule.get("annotations", "")))]
        for text in texts:
            bare = without_labels_and_strings(text)
            names = set(RECORDED.findall(bare)) | set(re.findall(r"(?<![:\w])aws_vpn_\w+", bare))
            assert names <= published | RECORDS.keys(), rule.get("alert", rule.get("record"))


def test_no_rule_keeps_a_label_that_only_says_who_scraped() -> None:
    """Every series that is aggregated ends in the identity, so replicas can neither double nor break anything."""
    for rule in rules():
        for labels in re.findall(r"\bby \(([^)]*)\)", rule["expr"]):
            assert {"job"} <= set(labels.split(", ")) <= IDENTITY | SHARED
        assert "without (" not in rule["expr"]
        # Copies no label, or the team's.
        copies = re.sub(r"group_left(?=\nmax by|\s\(team\) vpn_connection:aws_vpn_connection:team)", "", rule["expr"])
        assert "group_left" not in copies
