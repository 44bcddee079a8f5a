"""What a person sees of the dashboards in front of a Prometheus that runs, by Grafana's own code."""

from collections.abc import Collection, Mapping
from typing import Any

from testbed.dashboards.answers import UIDS
from testbed.dashboards.prometheus import Prometheus
from tests.grafana.node import board_files, shown_of


def look(api: Prometheus, connection: str = "", uids: Collection[str] = UIDS) -> Mapping[str, Mapping[str, Any]]:
    """Dashboards, by uid and then by the panel's title; `connection` is the beginning of the name looked at."""
    chosen = {"span": "24h", "choose": {"connection": connection} if connection else {}}
    boards = [path for path in board_files() if path.stem in uids]
    looks = {path.stem: chosen if path.stem == "aws-vpn-connection" else {"span": "24h"} for path in boards}
    shown = shown_of(api, boards, looks)
    return {one["uid"]: {panel["title"]: panel for panel in one["panels"]} for one in shown}


def table(panel: Mapping[str, Any]) -> list[dict[str, str]]:
    """The rows of a table, each cell's text under its column's title."""
    titles = [column["title"] for column in panel.get("columns", ())]
    return [dict(zip(titles, (cell["text"] for cell in row), strict=True)) for row in panel.get("rows", ())]


def figure(panel: Mapping[str, Any]) -> str:
    """What a panel with one figure says, or what it says instead."""
    if "empty" in panel:
        return str(panel["empty"])
    (one,) = panel["figures"]
    return str(one["text"])
