"""What a person would stumble over in a dashboard as Grafana shows it: see node/shown.mjs for the shape."""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

PALETTE = {"red", "orange", "yellow", "green", "blue", "purple", "grey"}
_ABBREVIATED = re.compile(r"\d ?(K|Mil|Bil)$")

Panel = Mapping[str, Any]


def blemishes(shown: Mapping[str, Any]) -> Iterator[str]:
    """One line for each, of every panel of a dashboard."""
    yield from (f"nothing fills in {placeholder}" for placeholder in shown["unknown"])
    for panel in shown["panels"]:
        yield from (f"{panel['title']}: {fault}" for fault in _panel(panel, shown["offered"]))


def _panel(panel: Panel, offered: Mapping[str, Any]) -> Iterator[str]:
    if panel.get("grid"):
        yield "is an empty grid where it has words for being empty"
    elif "figures" in panel:
        yield from _figures(panel)
    elif "rows" in panel:
        yield from _table(panel)
        for cell in (cell for row in panel["rows"] for cell in row if "link" in cell):
            yield from _link(cell["link"], offered)
    elif "series" in panel:
        yield from _series(panel)


def _figures(panel: Panel) -> Iterator[str]:
    for figure in panel["figures"]:
        if panel["colorMode"].startswith("background") and figure["color"] not in PALETTE | {"transparent"}:
            yield f"glares in {figure['color']} while it is calm"
        if _ABBREVIATED.search(figure["text"]):
            yield f"abbreviates a count: {figure['text']}"


def _table(panel: Panel) -> Iterator[str]:
    if panel["frames"] > 1:
        yield f"shows one of {panel['frames']} tables"
    if panel["taken"] > panel["room"]:
        yield f"columns take {panel['taken']} of {panel['room']} px"
    titles = [column["title"] for column in panel["columns"]]
    for index, column in enumerate(panel["columns"]):
        cells = [row[index] for row in panel["rows"]]
        yield from (f"{column['title']}: {fault}" for fault in _column(column, cells, panel["nothing"]))
    for title, _ in panel["sort"][:1]:
        if title not in titles:
            yield f"is to be sorted by {title}, which it does not have"
        elif (values := [row[titles.index(title)]["raw"] for row in panel["rows"]]) and values[0] in (None, ""):
            yield f"rows without {title} come first" if any(value not in (None, "") for value in values) else "unsorted"


def _column(column: Mapping[str, Any], cells: list[Any], nothing: str) -> Iterator[str]:
    if re.match(r"[a-z_]+$|Value", column["title"]):
        yield "is a name of the query's, not a title"
    names_rows = "\\" in column["field"]
    for cell in cells:
        text, raw = cell["text"], cell["raw"]
        if text == nothing:
            yield "an empty cell says what the whole panel says while it is empty"
        if isinstance(raw, str) and raw.isdecimal() and text != raw:
            yield f"{raw} is a name, and reads {text}"
        if re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)+", text):
            yield f"{text} is a word of the query's"
        if cell.get("loud") and cell["color"] not in PALETTE | {"transparent"}:
            yield f"glares in {cell['color']} where it says {text!r}"
        if names_rows and cell.get("color", "plain") != "plain":
            yield f"names the rows, and is {cell['color']}"
        if column["align"] == "right" and re.match(r"[A-Za-z]", text):
            yield f"words stand on the right: {text}"
        if _ABBREVIATED.search(text):
            yield f"abbreviates a count: {text}"


def _link(url: str, offered: Mapping[str, Any]) -> Iterator[str]:
    text = unquote(url)
    if re.search(r"\$\{|\\|undefined|null", text):
        yield f"a link leads astray: {text}"
    for name, (value,) in parse_qs(urlsplit(url).query).items():
        known = {one["value"] for one in offered.get(name.removeprefix("var-"), ())}
        if known and value not in known | {"$__all"}:
            yield f"a link chooses {name}={value}, which nobody offers"


def _series(panel: Panel) -> Iterator[str]:
    if panel["type"] == "state-timeline":
        for series in panel["series"]:
            if series["mode"] != "fixed":
                yield f"merges neighbours in the colour mode {series['mode']}, which loses their words"
            for state in series["states"]:
                if not re.match(r"[A-Z]", state["text"]) or state["color"] not in PALETTE:
                    yield f"a state reads {state['text']} in {state['color']}"
        return
    if panel["counts"] and not all(series["whole"] for series in panel["series"]):
        yield "counts in fractions"
    if panel["axisSoftMax"] is None and all(re.match(r"0\b", series["most"]) for series in panel["series"]):
        yield "an axis to 100 over nothing but zeros"
