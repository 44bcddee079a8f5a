"""Puts a dashboard together: what is the same on all of them, and the panels in reading order."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import dashboard as model

from grafana.annotations import alerts
from grafana.panels import DATA_SOURCE, Panel
from grafana.queries import TARGETS
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
    closed: bool = False
    """Whether its panels ask only once somebody opens it."""


@dataclass(frozen=True)
class Board:
    """One dashboard. `connections` says whether people choose none, one or many of them."""

    uid: str
    title: str
    description: str
    sections: Sequence[Section]
    connections: Literal["none", "one", "many"] = "none"
    more_variables: Sequence[Builder[model.VariableModel]] = ()
    more_annotations: Sequence[build.AnnotationQuery] = ()
    time_from: str = "now-24h"
    refresh: str = "1m"


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
        .refresh(board.refresh)
        .tooltip(model.DashboardCursorSync.CROSSHAIR)
        .variables(_variables(board))
        .annotations([alerts(board.connections), *board.more_annotations])
        .links([_other_dashboards(), _runbooks(), _status_page()])
    )
    dashboard = made.build()
    dashboard.schema_version = _SCHEMA_VERSION
    dashboard.panels = _laid_out(board.sections)
    return dashboard


def _laid_out(sections: Sequence[Section]) -> list[model.Panel | model.RowPanel]:
    """All panels, numbered, each in the highest place where it fits, from left to right."""
    placed: list[model.Panel | model.RowPanel] = []
    top, number = 0, 0
    for section in sections:
        heading: model.RowPanel | None = None
        if section.title:
            number += 1
            heading = build.Row(section.title).collapsed(section.closed).build()
            heading.grid_pos = model.GridPos(x=0, y=top, w=_COLUMNS, h=1)
            heading.id_val = number
            placed.append(heading)
            top += 1
        filled = [top] * _COLUMNS
        panels = [one.build() for one in section.panels]
        for panel in panels:
            number += 1
            panel.id_val = number
            size = panel.grid_pos or model.GridPos()
            y, x = min((max(filled[x : x + size.w]), x) for x in range(_COLUMNS - size.w + 1))
            panel.grid_pos = model.GridPos(x=x, y=y, w=size.w, h=size.h)
            filled[x : x + size.w] = [y + size.h] * size.w
        if heading and section.closed:
            heading.panels = panels
        else:
            placed.extend(panels)
            top = max(filled)
    return placed


def _variables(
    board: Board,
) -> list[Builder[model.VariableModel]]:
    choices: list[Builder[model.VariableModel]] = [
        build.DatasourceVariable("datasource").label("Data source").type("prometheus"),
        choice("job", "Job", "label_values(aws_vpn_target_up, job)"),
        _account(),
        choice("region", "Region", 'label_values(aws_vpn_target_up{job=~"$job", account_id=~"$account_id"}, region)'),
    ]
    if board.connections != "none":
        choices.append(_connection(many=board.connections == "many"))
    return [*choices, _instance(), *board.more_variables]


def choice(name: str, label: str, query: str, many: bool = True) -> build.QueryVariable:
    """A list of what Prometheus knows; with `many`, all of it is chosen at first."""
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
    return choice("account_id", "Account", query).regex(
        r'/account_id="(?<value>[^"]*)".*text="(?: · )?(?<text>[^"]*)"/'
    )


def _instance() -> build.QueryVariable:
    """A replica of the exporter whose page the link to the status page opens; nobody chooses it."""
    made = choice(
        "instance", "Instance", 'label_values(aws_vpn_exporter_build_info{job=~"$job"}, instance)', many=False
    )
    return made.hide(model.VariableHide.HIDE_VARIABLE)


def _connection(many: bool) -> build.QueryVariable:
    """People choose by name, queries get the id. Connections without a name show their id alone."""
    labelled = f'label_join(aws_vpn_connection_info{{{TARGETS}}}, "text", " · ", "name", "vpn_connection_id")'
    query = f"query_result(max by (text, vpn_connection_id) ({labelled}))"
    names = r'/text="(?: · )?(?<text>[^"]*)".*vpn_connection_id="(?<value>[^"]*)"/'
    return choice("connection", "Connection", query, many).regex(names)


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


def _status_page() -> build.DashboardLink:
    """The exporter's own page shows the evidence for each cause; it opens where the browser can reach the exporter."""
    return (
        build.DashboardLink("Status page")
        .type(model.DashboardLinkType.LINK)
        .url("http://${instance}/")
        .icon("bolt")
        .tooltip("The exporter's own page, with the evidence for each cause; your browser has to reach the exporter")
        .target_blank(True)
    )
