"""Puts a dashboard together: what is the same on all of them, and the panels in reading order."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import dashboard as model

from grafana.panels import DATA_SOURCE, ORANGE, Panel
from grafana.queries import CONNECTIONS, TARGETS, firing
from grafana.vocabulary import RUNBOOKS

TAG = "aws-vpn"

_COLUMNS = 24

# Every newer Grafana reads this version of the format and lifts it to its own; 10 has not heard of later ones.
_SCHEMA_VERSION = 39


@dataclass(frozen=True)
class Section:
    """Panels under a heading; the first section of a dashboard needs none."""

    title: str
    panels: Sequence[Panel]


@dataclass(frozen=True)
class Board:
    """One dashboard. `connections` says whether people choose none, one or many of them."""

    uid: str
    title: str
    description: str
    sections: Sequence[Section]
    connections: Literal["none", "one", "many"] = "none"
    more_variables: Sequence[build.CustomVariable] = ()
    time_from: str = "now-24h"


def assemble(board: Board) -> model.Dashboard:
    """The dashboard as Grafana reads it."""
    made = (
        build.Dashboard(board.title)
        .uid(board.uid)
        .description(board.description)
        .tags([TAG])
        .readonly()
        .time(board.time_from, "now")
        .timezone("browser")
        .refresh("1m")
        .tooltip(model.DashboardCursorSync.CROSSHAIR)
        .variables(_variables(board))
        .annotations([_alerts(board)])
        .links([_other_dashboards(), _runbooks()])
    )
    dashboard = made.build()
    dashboard.schema_version = _SCHEMA_VERSION
    dashboard.panels = _laid_out(board.sections)
    return dashboard


def _laid_out(sections: Sequence[Section]) -> list[model.Panel | model.RowPanel]:
    """All panels, numbered, each in the highest place where it fits, from left to right."""
    placed: list[model.Panel | model.RowPanel] = []
    filled = [0] * _COLUMNS
    for section in sections:
        top = max(filled)
        if section.title:
            heading = build.Row(section.title).build()
            heading.grid_pos = model.GridPos(x=0, y=top, w=_COLUMNS, h=1)
            placed.append(heading)
            top += 1
        filled = [top] * _COLUMNS
        for panel in [one.build() for one in section.panels]:
            size = panel.grid_pos or model.GridPos()
            y, x = min((max(filled[x : x + size.w]), x) for x in range(_COLUMNS - size.w + 1))
            panel.grid_pos = model.GridPos(x=x, y=y, w=size.w, h=size.h)
            filled[x : x + size.w] = [y + size.h] * size.w
            placed.append(panel)
    for number, numbered in enumerate(placed, 1):
        numbered.id_val = number
    return placed


def _variables(
    board: Board,
) -> list[Builder[model.VariableModel]]:
    choices: list[Builder[model.VariableModel]] = [
        build.DatasourceVariable("datasource").label("Data source").type("prometheus"),
        _choice("job", "Job", "label_values(aws_vpn_target_up, job)"),
        _account(),
        _choice("region", "Region", 'label_values(aws_vpn_target_up{job=~"$job", account_id=~"$account_id"}, region)'),
    ]
    if board.connections != "none":
        choices.append(_connection(many=board.connections == "many"))
    return [*choices, *board.more_variables]


def _choice(name: str, label: str, query: str, many: bool = True) -> build.QueryVariable:
    made = (
        build.QueryVariable(name)
        .label(label)
        .datasource(DATA_SOURCE)
        .query(query)
        .definition(query)
        .refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(model.VariableSort.ALPHABETICAL_CASE_INSENSITIVE_ASC)
    )
    if not many:
        return made
    everything = model.VariableOption(text="All", value="$__all")
    # One short pattern, where the list of a thousand accounts would make the longest query there is.
    return made.multi(True).include_all(True).all_value(".+").current(everything)


def _account() -> build.QueryVariable:
    """People choose by name, queries get the id. Accounts without a name show their id alone."""
    labelled = 'label_join(aws_vpn_target_info{job=~"$job"}, "text", " · ", "account_name", "account_id")'
    query = f"query_result(max by (text, account_id) ({labelled}))"
    # Prometheus sorts labels by name.
    return _choice("account_id", "Account", query).regex(
        r'/account_id="(?<value>[^"]*)".*text="(?: · )?(?<text>[^"]*)"/'
    )


def _connection(many: bool) -> build.QueryVariable:
    """People choose by name, queries get the id. Connections without a name show their id alone."""
    labelled = f'label_join(aws_vpn_connection_info{{{TARGETS}}}, "text", " · ", "name", "vpn_connection_id")'
    query = f"query_result(max by (text, vpn_connection_id) ({labelled}))"
    names = r'/text="(?: · )?(?<text>[^"]*)".*vpn_connection_id="(?<value>[^"]*)"/'
    return _choice("connection", "Connection", query, many).regex(names)


def _alerts(board: Board) -> build.AnnotationQuery:
    """When alerts fired. One mark an alert and not one a tunnel: a month of a large fleet is a large answer."""
    picked = TARGETS if board.connections == "none" else CONNECTIONS
    expr = f"count by (alertname) ({firing(picked, severity='critical|warning')})"
    return (
        build.AnnotationQuery()
        .name("Alerts")
        .datasource(DATA_SOURCE)
        .enable(True)
        .hide(False)
        .icon_color(ORANGE)
        .expr(expr)
        .step("60s")
        .title_format("{{alertname}}")
        .text_format("fired")
    )


def _other_dashboards() -> build.DashboardLink:
    return (
        build.DashboardLink("AWS VPN dashboards")
        .type(model.DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .as_dropdown(True)
        .include_vars(True)
        .keep_time(True)
        .icon("external link")
    )


def _runbooks() -> build.DashboardLink:
    return (
        build.DashboardLink("Runbooks")
        .type(model.DashboardLinkType.LINK)
        .url(RUNBOOKS)
        .icon("doc")
        .tooltip("What to do about each alert")
        .target_blank(True)
    )
