"""What a person sees of the dashboards, by Grafana's own code, from recorded answers of a real Prometheus."""

import functools
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from testbed.dashboards.answers import UIDS, load, panels
from tests.grafana.blemishes import blemishes
from tests.grafana.node import HERE, VERSIONS, Shown, board_files, shown_of

GOLDEN = HERE.parent / "golden"
RECORDINGS = HERE.parent / "recordings"
STAGES = ("trouble", "calm", "empty")


@functools.cache
def shown(stage: str, version: str = VERSIONS[0]) -> Mapping[str, Shown]:
    """Every dashboard in front of one fleet."""
    return {one["uid"]: one for one in shown_of(RECORDINGS / f"{stage}.json", board_files(), version=version)}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("uid", UIDS)
@pytest.mark.parametrize("stage", STAGES)
def test_every_cell_tile_and_series_is_as_expected(
    stage: str, uid: str, version: str, pytestconfig: pytest.Config
) -> None:
    """Text, colour and link of each, the same in Grafana 13 and 10; `make golden` rewrites."""
    golden = GOLDEN / stage / f"{uid}.txt"
    found = shown(stage, version)[uid]["text"]
    if pytestconfig.getoption("--rewrite") and version == VERSIONS[0]:
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(found, "utf-8")
    assert found == golden.read_text("utf-8")


@pytest.mark.parametrize("stage", STAGES)
def test_nobody_stumbles_over_a_dashboard(stage: str) -> None:
    """No cell, tile, column or link has one of the faults that were found when Grafana first drew them."""
    assert [f"{uid}: {fault}" for uid, one in shown(stage).items() for fault in blemishes(one)] == []


def test_every_promised_column_is_there() -> None:
    """In front of a fleet with everything: a column vanishes where its label is empty on every row."""
    # The connection that is looked at awaits no maintenance.
    missing, unread = [], "Applied by AWS from"
    for uid, one in shown("trouble").items():
        drawn = {panel["title"]: panel for panel in one["panels"]}
        for panel in panels(load(uid)):
            columns = {column["title"] for column in drawn.get(panel["title"], {}).get("columns", ())}
            missing += [f"{panel['title']}: {title}" for title in _promised(panel) - columns - {unread} if columns]
    assert missing == []


def _promised(panel: Mapping[str, Any]) -> set[str]:
    overrides = panel["fieldConfig"]["overrides"] if panel["type"] == "table" else ()
    return {one["value"] for override in overrides for one in override["properties"] if one["id"] == "displayName"}


Board = dict[str, Any]


def _panel(board: Board, title: str) -> Any:
    return next(panel for panel in board["panels"] if panel.get("title") == title)


def _overrides(board: Board, title: str) -> list[Any]:
    overrides: list[Any] = _panel(board, title)["fieldConfig"]["overrides"]
    return overrides


def _without(title: str, field: str, name: str) -> Callable[[Board], None]:
    """A field's override without one of its properties."""

    def drop(board: Board) -> None:
        for override in _overrides(board, title):
            if override["matcher"]["options"] == field:
                override["properties"] = [one for one in override["properties"] if one["id"] != name]

    return drop


def _swap_overrides(board: Board) -> None:
    overrides = _overrides(board, "Trouble by account and region")
    overrides[0], overrides[1] = overrides[1], overrides[0]


def _thresholds_as_colour(board: Board) -> None:
    _panel(board, "State of each tunnel over time")["fieldConfig"]["defaults"]["color"] = {"mode": "thresholds"}


ALL, TROUBLE = "All connections", "In trouble, the worst first"
FLEET, CONNECTION = "aws-vpn-fleet", "aws-vpn-connection"
MUTATIONS: dict[str, tuple[str, str, Callable[[Board], object]]] = {
    "says what the whole panel says": ("trouble", FLEET, lambda it: _overrides(it, ALL).pop()),
    "names the rows, and is": ("trouble", FLEET, _swap_overrides),
    "glares in": (
        "calm",
        FLEET,
        lambda it: _panel(it, "Down")["fieldConfig"]["defaults"]["thresholds"]["steps"][0].update(color="text"),
    ),
    "merges neighbours": ("trouble", CONNECTION, _thresholds_as_colour),
    "a state reads": (
        "trouble",
        CONNECTION,
        lambda it: _panel(it, "State of each tunnel over time")["fieldConfig"]["defaults"]["mappings"].clear(),
    ),
    "columns take": ("calm", FLEET, lambda it: _panel(it, ALL)["gridPos"].update(w=12)),
    "words stand on the right": ("calm", FLEET, _without(ALL, "Value #A", "custom.align")),
    "is a word of the query's": ("trouble", FLEET, _without(TROUBLE, "cause", "mappings")),
    "is to be sorted by": (
        "calm",
        FLEET,
        lambda it: _panel(it, ALL)["options"].update(sortBy=[{"displayName": "Worth", "desc": False}]),
    ),
    "rows without": (
        "trouble",
        FLEET,
        lambda it: _panel(it, ALL)["options"].update(sortBy=[{"displayName": "Up", "desc": False}]),
    ),
    "is a name of the query's": ("calm", FLEET, _without(ALL, "name", "displayName")),
    "shows one of": ("calm", FLEET, lambda it: _panel(it, ALL)["transformations"].pop(1)),
    "an axis to 100": (
        "calm",
        CONNECTION,
        lambda it: _panel(it, "Status changes in an hour")["fieldConfig"]["defaults"]["custom"].pop("axisSoftMax"),
    ),
    "a link leads astray": (
        "calm",
        FLEET,
        lambda it: _panel(it, ALL)["transformations"][0]["options"]["include"]["names"].remove("region"),
    ),
}


@functools.cache
def _noticed(stage: str, folder: Path) -> Mapping[str, list[str]]:
    """What is noticed in each of the dashboards that are broken in front of one fleet."""
    broken = {fault: (uid, mutate) for fault, (where, uid, mutate) in MUTATIONS.items() if where == stage}
    files = []
    for number, (uid, mutate) in enumerate(broken.values()):
        board = json.loads(json.dumps(load(uid)))
        mutate(board)
        files.append(folder / f"{stage}-{number}.json")
        files[-1].write_text(json.dumps(board))
    found = shown_of(RECORDINGS / f"{stage}.json", files)
    return {fault: list(blemishes(one)) for fault, one in zip(broken, found, strict=True)}


@pytest.mark.parametrize("fault", MUTATIONS)
def test_a_broken_dashboard_is_noticed(fault: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The check for what people stumble over can fail."""
    noticed = _noticed(MUTATIONS[fault][0], tmp_path_factory.getbasetemp())[fault]
    assert any(fault in one for one in noticed), noticed
