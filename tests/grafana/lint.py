"""What is wrong with a dashboard's JSON, in the spirit of Grafana's dashboard-linter and of this project."""

import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from grafana_foundation_sdk.models import units

from aws_vpn_exporter.metrics import METRICS
from testbed.dashboards.answers import Dashboard, logs, panels
from testbed.dashboards.prometheus import RULES

UNITS = {value for name, value in vars(units).items() if isinstance(value, str) and not name.startswith("_")}
# Known to Grafana as well, and missing in that list.
UNITS |= {"string", "dateTimeFromNow", "dateTimeAsLocal"}
PANEL_TYPES = {"stat", "table", "timeseries", "state-timeline", "logs", "row"}
VARIABLES = ["datasource", "job", "account_id", "region"]
EVERYWHERE = {"uid": "${datasource}", "type": "prometheus"}
# The last override of a table: else noValue holds for each of its cells as well.
SILENT_GAPS = {
    "matcher": {"id": "byRegexp", "options": "/.*/"},
    "properties": [{"id": "noValue", "value": ""}],
}

RECORDED = {
    str(rule["record"])
    for group in yaml.safe_load(RULES.read_text("utf-8"))["groups"]
    for rule in group["rules"]
    if "record" in rule
}
PUBLISHED = {metric.name for metric in METRICS}


def complaints(dashboard: Dashboard) -> Iterator[str]:
    """One line for each fault."""
    yield from _whole(dashboard)
    yield from _layout(dashboard)
    for panel in panels(dashboard):
        yield from (f"{panel.get('title')}: {fault}" for fault in _panel(panel))
        yield from (f"{panel.get('title')}: {fault}" for fault in _asked(panel))
    for panel in logs(dashboard):
        yield from (f"{panel.get('title')}: {fault}" for fault in _panel(panel))
    for name, expr in _queries(dashboard):
        yield from (f"{name}: {fault}" for fault in _query(expr))


def _whole(dashboard: Dashboard) -> Iterator[str]:
    variables = dashboard["templating"]["list"]
    if [one["name"] for one in variables][:4] != VARIABLES:
        yield f"its first variables are not {VARIABLES}"
    if any(not one.get("label") for one in variables):
        yield "a variable has no label"
    if any(one["type"] == "query" and one.get("datasource") != EVERYWHERE for one in variables):
        yield "a variable asks another data source"
    if any(one.get("datasource") != EVERYWHERE for one in dashboard["annotations"]["list"]):
        yield "an annotation asks another data source"
    if dashboard.get("editable") is not False:
        yield "it can be edited"
    if not all(dashboard.get(key) for key in ("uid", "title", "description", "tags")):
        yield "its uid, title, description or tags are missing"
    if "id" in dashboard:
        yield "it carries the id of one Grafana's database"


def _layout(dashboard: Dashboard) -> Iterator[str]:
    every = dashboard["panels"]
    if len({panel["id"] for panel in every}) < len(every):
        yield "two panels have one id"
    titles = [panel.get("title") for panel in every]
    if len(set(titles)) < len(titles):
        yield "two panels have one title"
    for panel in every:
        if panel["gridPos"]["x"] + panel["gridPos"]["w"] > 24:
            yield f"{panel.get('title')}: wider than the dashboard"
    for one, other in itertools.combinations(every, 2):
        a, b = one["gridPos"], other["gridPos"]
        beside = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
        apart = a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]
        if not (beside or apart):
            yield f"{one.get('title')} overlaps {other.get('title')}"


def _panel(panel: Mapping[str, Any]) -> Iterator[str]:
    """What holds for every panel, whatever it asks."""
    if panel["type"] not in PANEL_TYPES:
        yield f"a panel of type {panel['type']}"
    if not panel.get("title") or not panel.get("description", "").endswith("."):
        yield "no title, or no whole sentence that describes it"
    if not panel["fieldConfig"]["defaults"].get("noValue"):
        yield "says nothing while it is empty"
    refs = [target["refId"] for target in panel["targets"]]
    if len(set(refs)) < len(refs) or not refs:
        yield "no query, or two of one name"


def _asked(panel: Mapping[str, Any]) -> Iterator[str]:
    """What holds for the panels that ask Prometheus."""
    defaults = panel["fieldConfig"]["defaults"]
    properties = [one for override in panel["fieldConfig"]["overrides"] for one in override["properties"]]
    for unit in (defaults.get("unit"), *(one["value"] for one in properties if one["id"] == "unit")):
        if unit not in UNITS:
            yield f"the unit {unit}"
    if panel.get("datasource") != EVERYWHERE or any(one.get("datasource") != EVERYWHERE for one in panel["targets"]):
        yield "asks another data source"
    if panel["type"] == "table" and panel["fieldConfig"]["overrides"][-1:] != [SILENT_GAPS]:
        yield "an empty cell says what the whole panel says while it is empty"
    if any(one["id"] == "merge" for one in panel.get("transformations", ())):
        yield "merges, which takes the square of the rows where an answer is empty"
    if panel["type"] == "table" and any(target.get("format") != "table" for target in panel["targets"]):
        yield "a table of series"
    if panel["type"] in ("stat", "table") and any(not target.get("instant") for target in panel["targets"]):
        yield "asks for a range where it shows the present"


def _queries(dashboard: Dashboard) -> Iterator[tuple[str, str]]:
    for panel in panels(dashboard):
        yield from ((panel.get("title", ""), target["expr"]) for target in panel["targets"])
    yield from (("annotation", one["expr"]) for one in dashboard["annotations"]["list"])
    yield from ((one["name"], one["query"]) for one in dashboard["templating"]["list"] if one["type"] == "query")


def _query(expr: str) -> Iterator[str]:
    for selector in re.findall(r"[a-zA-Z_:][\w:]*\{[^}]*\}|\{[^}]*\}", expr):
        if '"AwsVpnExporterDown"' in selector or '"aws-vpn-keepalive"' in selector:
            continue  # the first has no job, the second is one
        if '"$job"' not in selector and "label_values(aws_vpn_target_up, job)" not in expr:
            yield f"{selector} of every job"
    if re.search(r"\b(rate|irate)\([^[]*\[(?!\$__rate_interval)", expr):
        yield "a rate over something else than $__rate_interval"
    if re.search(r"\bincrease\([^[]*\[(?!\$__range|\$__rate_interval)", expr):
        yield "an increase over neither $__range nor $__rate_interval"
    for name in re.findall(r"[\w:]*aws_vpn_\w+[\w:]*(?=\{)|[\w:]+:security_hub_[\w:]+", expr):
        if name not in PUBLISHED | RECORDED:
            yield f"{name}, which nobody publishes or records"
