"""The dashboards' queries as Grafana would send them, and a real Prometheus's answers."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from grafana.build import BOARDS, HERE
from testbed.dashboards.prometheus import Prometheus, Samples

UIDS = tuple(board.uid for board in BOARDS)
PER_REPLICA = ("aws-vpn-exporter: Replicas:", "aws-vpn-exporter: Duration of scrapes:")
UNITS = {"m": 60, "h": 3600, "d": 86400}

Dashboard = Mapping[str, Any]
Variables = Mapping[str, str]


def load(uid: str) -> Dashboard:
    """The dashboard as committed."""
    loaded: Dashboard = json.loads((HERE / f"{uid}.json").read_text("utf-8"))
    return loaded


def panels(dashboard: Dashboard) -> list[Mapping[str, Any]]:
    """All panels that ask Prometheus, those in closed rows too."""
    return [panel for panel in _every(dashboard) if panel["type"] != "logs"]


def logs(dashboard: Dashboard) -> list[Mapping[str, Any]]:
    """All panels that ask for log lines."""
    return [panel for panel in _every(dashboard) if panel["type"] == "logs"]


def _every(dashboard: Dashboard) -> list[Mapping[str, Any]]:
    inner = [one for panel in dashboard["panels"] for one in (panel, *panel.get("panels", ()))]
    return [panel for panel in inner if panel["type"] != "row"]


def variables_of(dashboard: Dashboard, connection: str = ".+", span: str = "24h") -> Variables:
    """What Grafana fills in where everything is chosen: the objective has a value of its own."""
    chosen = {variable["name"]: variable for variable in dashboard["templating"]["list"]}
    values = {name: one.get("allValue") or one.get("current", {}).get("value", "") for name, one in chosen.items()}
    made = {"__rate_interval": "1m", "__interval": "1m", "__range": span, "__range_s": f"{seconds(span):.0f}"}
    return {**values, "connection": connection, **made}


def fill(text: str, variables: Variables) -> str:
    """The text with the variables filled in. Grafana would leave an unknown one as it is: here it is an error."""

    def value(found: re.Match[str]) -> str:
        return variables[found[1] or found[2]]

    # $1 and the like belong to label_replace.
    return re.sub(r"\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\})", value, text)


@dataclass(frozen=True)
class Answer:
    """One query of a panel, as sent, and what came back."""

    dashboard: str
    panel: Mapping[str, Any]
    ref: str
    expr: str
    samples: Samples

    @property
    def where(self) -> str:
        """Names the query for a person."""
        return f"{self.dashboard}: {self.panel['title']}: {self.ref}"


def seconds(span: str) -> float:
    """The length of a span such as 24h."""
    return float(span[:-1]) * UNITS[span[-1]]


def ask(api: Prometheus, target: Mapping[str, Any], variables: Variables, points: int = 500) -> Samples:
    """Send one query of a panel; over a range, with as many points as a panel has room for."""
    expr = fill(target["expr"], variables)
    return api.instant(expr) if target.get("instant") else api.range(expr, seconds(variables["__range"]), points)


def answers(api: Prometheus, uid: str, connection: str = ".+", span: str = "24h") -> Iterator[Answer]:
    """Every query of every panel, answered."""
    dashboard = load(uid)
    variables = variables_of(dashboard, connection, span)
    for panel in panels(dashboard):
        for target in panel["targets"]:
            yield Answer(uid, panel, target["refId"], fill(target["expr"], variables), ask(api, target, variables))


def choices(api: Prometheus, dashboard: Dashboard, name: str, span: str = "24h") -> Mapping[str, str]:
    """What a variable's list offers: each text and the value behind it."""
    variable = next(one for one in dashboard["templating"]["list"] if one["name"] == name)
    query = fill(variable["query"], variables_of(dashboard))
    if match := re.fullmatch(r"label_values\((.*), (\w+)\)", query):
        return {value: value for value in api.label_values(match[2], match[1], seconds(span))}
    inner = re.fullmatch(r"query_result\((.*)\)", query)
    assert inner, query
    # JavaScript writes a named group as (?<name>...), Python as (?P<name>...).
    pattern = re.compile(variable["regex"].strip("/").replace("(?<", "(?P<"))
    lines = [_as_grafana_writes(sample) for sample in api.instant(inner[1])]
    return {found["text"]: found["value"] for line in lines if (found := pattern.search(line))}


def _as_grafana_writes(sample: Mapping[str, Any]) -> str:
    labels = ",".join(f'{name}="{value}"' for name, value in sample["metric"].items())
    value = sample["value"]
    return f"{{{labels}}} {value[1]} {int(value[0]) * 1000}"


def figure(api: Prometheus, uid: str, title: str) -> float:
    """What a panel with one figure is answered."""
    (answer,) = (one for one in answers(api, uid) if one.panel["title"] == title)
    (sample,) = answer.samples
    return float(sample["value"][1])  # type: ignore[index]


def replicas_count_once(api: Prometheus, uid: str) -> None:
    """No answer tells replicas apart, but for the panels about them; and none holds one thing twice."""
    for one in answers(api, uid):
        labels = [tuple(sorted(sample["metric"].items())) for sample in one.samples]  # type: ignore[attr-defined]
        assert len(set(labels)) == len(labels), one.where
        if not one.where.startswith(PER_REPLICA):
            assert not any("instance" in dict(found) for found in labels), one.where
