"""Draws the dashboards without Grafana: the same JSON, the same answers of a real Prometheus, in Chromium.

`python -m tools.dashboard_preview` starts the demo's fleet with an invented past and draws docs/images/dashboard-*.png.
It knows as much of Grafana's format as these dashboards use.
"""

import argparse
import itertools
import math
import re
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

from PIL import Image

from aws_vpn_exporter.demo.fleet import SCENARIOS, Scenario
from testbed.dashboards.answers import (
    Dashboard,
    Variables,
    ask,
    choices,
    fill,
    load,
    panels,
    rows,
    seconds,
    variables_of,
)
from testbed.dashboards.past import Outage, past_of
from testbed.dashboards.prometheus import SOURCES, Prometheus, Samples, lab
from testbed.programs import REPOSITORY, find, wait_for

Panel = Mapping[str, Any]
WIDTH, ROW, GAP, SCALE = 1680, 30, 8, 66
TEXT = "#d8d9da"
SERIES = ("#56B4E9", "#E69F00", "#009E73", "#CC79A7", "#F0E442", "#D55E00")
LOOKED_AT = "cider-press"
PAST = {
    LOOKED_AT: (Outage(20, 5, 1), Outage(6, 1, 2), Outage(0.6, 2.5, 1)),
    "harbour-office": (Outage(12, 3, 1), Outage(3, 0.3, 2)),
    "lighthouse": (Outage(20, 5, 1), Outage(6, 1, 2), Outage(0.6, 2.5, 2), Outage(0.2, 4.8, 1)),
    "pottery-works": (Outage(25, 0.2, 2),),
    "north-mill": (Outage(0.1, 2.3, 2),),
}
# The tour, with each of the causes that evidence can tell.
FLEET = Scenario(
    "For a picture.",
    tuple({one.name: one for name in ("tour", "causes") for one in SCENARIOS[name].connections}.values()),
)
STYLE = f"""
* {{ box-sizing: border-box; margin: 0 }}
body {{ width: {WIDTH}px; padding: 12px; background: #111217; color: {TEXT} }}
body {{ font: 13px/1.4 Inter, "DejaVu Sans", sans-serif }}
header {{ display: flex; gap: 10px; align-items: center; margin-bottom: 10px; height: 34px }}
header h1 {{ font-size: 19px; font-weight: 500; margin-right: auto }}
header span {{ border: 1px solid #33353b; padding: 3px 8px; border-radius: 2px }}
header strong {{ background: #F0E442; color: #111; padding: 4px 10px; border-radius: 2px }}
main {{ display: grid; grid-template-columns: repeat(24, 1fr); grid-auto-rows: {ROW}px; gap: {GAP}px }}
section {{ background: #181b1f; border: 1px solid #24262c; border-radius: 2px; overflow: hidden }}
section {{ display: flex; flex-direction: column }}
section.row {{ background: none; border: 0; font-size: 16px; justify-content: end }}
h2 {{ font-size: 13px; font-weight: 500; padding: 6px 8px; white-space: nowrap }}
.big, .none {{ flex: 1; display: flex; align-items: center; justify-content: center; text-align: center }}
.big {{ font-weight: 500; white-space: nowrap }}
.none {{ color: #9a9ba0; padding: 8px }}
table {{ border-collapse: collapse; width: 100%; table-layout: auto }}
th, td {{ text-align: left; padding: 4px 8px; border-bottom: 1px solid #22252b; white-space: nowrap }}
th {{ color: #6ea6ff; font-weight: 500 }}
td {{ max-width: 330px; overflow: hidden; text-overflow: ellipsis }}
td.link {{ text-decoration: underline; text-decoration-color: #55575d; text-underline-offset: 3px }}
td.right, th.right {{ text-align: right }}
svg {{ flex: 1; min-height: 0; width: 100% }}
.legend {{ padding: 2px 8px 6px; display: flex; gap: 14px; font-size: 12px }}
.legend i {{ display: inline-block; width: 14px; height: 4px; margin: 0 5px 3px 0 }}
"""


def draw(api: Prometheus, dashboard: Dashboard, variables: Variables, shown: Mapping[str, str]) -> str:
    """The dashboard as a page."""
    chosen = "".join(f"<span>{escape(name)}: {escape(value)}</span>" for name, value in shown.items())
    body = "".join(_placed(api, panel, variables) for panel in dashboard["panels"])
    return (
        f"<!doctype html><meta charset=utf-8><style>{STYLE}</style>"
        f"<header><h1>{escape(dashboard['title'])}</h1>{chosen}"
        f"<strong>Preview drawn from the dashboard's JSON and Prometheus's answers. Not Grafana.</strong></header>"
        f"<main>{body}</main>"
    )


def _placed(api: Prometheus, panel: Panel, variables: Variables) -> str:
    at = dict(panel["gridPos"])
    place = f"grid-area: {at['y'] + 1} / {at['x'] + 1} / span {at['h']} / span {at['w']}"
    if panel["type"] == "row":
        return f'<section class=row style="{place}">{escape(panel["title"])}</section>'
    now = time.time()
    at |= {"begin": now - seconds(variables["__range"]), "end": now}
    got = {target["refId"]: ask(api, target, variables) for target in panel["targets"]}
    empty = f"<div class=none>{escape(panel['fieldConfig']['defaults'].get('noValue', 'No data'))}</div>"
    body = _DRAWN[panel["type"]](panel, got, at) if any(got.values()) else empty
    return f'<section style="{place}"><h2>{escape(fill(panel["title"], variables))}</h2>{body}</section>'


# How a value reads -------------------------------------------------------------------------------------------------


def _ago(seconds: float) -> str:
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            count = round(seconds / length)
            return f"{count} {unit}{'s' * (count != 1)} ago"
    return "a few seconds ago"


def _number(value: float, decimals: int | None) -> str:
    return f"{value:.{decimals}f}" if decimals is not None else f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def _formatted(raw: str, config: Mapping[str, Any]) -> str:
    unit = config.get("unit", "string")
    try:
        value = float(raw)
    except ValueError:
        return raw
    if unit == "string":
        return raw
    if unit == "dateTimeFromNow":
        return _ago(time.time() - value / 1000)
    if unit == "dateTimeAsLocal":
        return datetime.fromtimestamp(value / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    if unit == "percentunit":
        return _number(value * 100, config.get("decimals")) + " %"
    if unit == "currencyUSD":
        return f"${_number(value, config.get('decimals'))}"
    if unit == "Bps" and value >= 1000:
        return _number(value / 1000, config.get("decimals")) + " kB/s"
    return _number(value, config.get("decimals")) + {"Bps": " B/s", "s": " s", "cps": " c/s", "reqps": " req/s"}.get(
        unit, ""
    )


def _reading(raw: str, config: Mapping[str, Any]) -> tuple[str, str | None]:
    """The text of a value and its colour, None where it says nothing."""
    for mapping in config.get("mappings", ()):
        options = mapping["options"]
        if mapping["type"] == "value" and (number := re.sub(r"\.0$", "", raw)) in options:
            return options[number]["text"], options[number]["color"]
        if mapping["type"] == "regex" and re.match(options["pattern"], raw):
            return raw, options["result"]["color"]
    color = None
    for step in config.get("thresholds", {}).get("steps", ()):
        try:
            if step.get("value") is None or float(raw) >= step["value"]:
                color = step["color"]
        except ValueError:
            break
    return _formatted(raw, config), None if color == "text" else color


def _field(panel: Panel, name: str) -> Mapping[str, Any]:
    """What the panel says of one field: its defaults, then every override that fits."""
    found = dict(panel["fieldConfig"]["defaults"])
    for override in panel["fieldConfig"]["overrides"]:
        wanted = override["matcher"]["options"]
        if wanted == name or (override["matcher"]["id"] == "byRegexp" and re.search(wanted.strip("/"), name)):
            found |= {one["id"]: one.get("value") for one in override["properties"]}
    return found


# The kinds of panel ------------------------------------------------------------------------------------------------

Got = Mapping[str, Samples]


def _stat(panel: Panel, got: Got, at: Mapping[str, float]) -> str:
    raw = str(got["A"][0]["value"][1])  # type: ignore[index]
    text, color = _reading(raw, panel["fieldConfig"]["defaults"])
    painted = f"background: {color}; color: #111" if color and panel["options"]["colorMode"] != "none" else ""
    size = min(34, int(at["w"] * WIDTH / 24 / max(len(text), 1) * 1.5))
    return f'<div class=big style="{painted}; font-size: {size}px">{escape(text)}</div>'


def _table(panel: Panel, got: Got, at: Mapping[str, float]) -> str:
    lines = rows(panel, got)
    names = list(dict.fromkeys(name for line in lines for name in line))
    organized: Mapping[str, Any] = next(
        (one["options"] for one in panel["transformations"] if one["id"] == "organize"), {}
    )
    names.sort(key=lambda name: organized.get("indexByName", {}).get(name, 99))
    fields = {name: _field(panel, name) for name in names}
    for sort in reversed(panel["options"].get("sortBy", ())):
        field = next((name for name in names if fields[name].get("displayName") == sort["displayName"]), None)
        if field:
            lines.sort(key=lambda line: _order(line.get(field, "inf")), reverse=sort["desc"])
    head = "".join(f"<th{_side(fields[name])}>{escape(fields[name].get('displayName') or name)}</th>" for name in names)
    fitting = int(at["h"] * (ROW + GAP) - 60) // 28
    body = "".join(
        "<tr>" + "".join(_cell(line.get(name, ""), fields[name]) for name in names) + "</tr>"
        for line in lines[:fitting]
    )
    return f"<table><tr>{head}</tr>{body}</table>"


def _order(raw: str) -> tuple[float, str]:
    """Numbers by their size, before words by the alphabet."""
    try:
        return float(raw), ""
    except ValueError:
        return math.inf, raw


def _side(config: Mapping[str, Any]) -> str:
    return " class=right" if config.get("unit", "string") != "string" else ""


def _cell(raw: str, config: Mapping[str, Any]) -> str:
    text, color = _reading(raw, config) if raw else ("", None)
    kind = (config.get("custom.cellOptions") or {}).get("type", "auto")
    painted = {"color-background": f"background: {color}; color: #111", "color-text": f"color: {color}"}
    style = f' style="{painted[kind]}"' if color and kind in painted else ""
    side = _side(config) or (" class=link" if config.get("links") else "")
    return f"<td{side}{style}>{escape(text)}</td>"


def _legend(target: Mapping[str, Any], labels: Mapping[str, str]) -> str:
    return re.sub(r"\{\{(\w+)\}\}", lambda found: labels.get(found[1], ""), target.get("legendFormat", ""))


def _series(panel: Panel, got: Got) -> list[tuple[str, list[tuple[float, str]]]]:
    targets = {target["refId"]: target for target in panel["targets"]}
    return [
        (_legend(targets[ref], sample["metric"]), list(sample["values"]))  # type: ignore[arg-type, call-overload]
        for ref, samples in got.items()
        for sample in samples
    ]


def _clock(begin: float, end: float, width: float, y: float) -> str:
    form = "%H:%M" if end - begin < 2 * 86400 else "%m-%d"
    labels = ((begin + (end - begin) * part / 6, width * part / 6) for part in range(1, 6))
    return "".join(
        f'<text x="{x + SCALE:.0f}" y="{y}" fill="#9a9ba0" font-size="11" text-anchor="middle">'
        f"{datetime.fromtimestamp(moment, UTC).strftime(form)}</text>"
        for moment, x in labels
    )


def _timeseries(panel: Panel, got: Got, at: Mapping[str, float]) -> str:
    series = _series(panel, got)
    config = panel["fieldConfig"]["defaults"]
    width, height = at["w"] * WIDTH / 24 - SCALE - 30, at["h"] * (ROW + GAP) - 95
    begin, end = at["begin"], at["end"]
    stacked = config["custom"]["stacking"]["mode"] == "normal"
    heights: dict[float, float] = defaultdict(float)
    for moment, value in ((moment, float(raw)) for _, values in series for moment, raw in values):
        heights[moment] = heights[moment] + value if stacked else max(heights[moment], value)
    top = max(heights.values()) or 1
    step = min((b[0] - a[0] for _, values in series for a, b in itertools.pairwise(values)), default=60)
    drawn, legend, below = [], [], dict[float, float]()
    for number, (name, values) in enumerate(series):
        color = (_field(panel, name).get("color") or {}).get("fixedColor") or SERIES[number % len(SERIES)]
        path, before = "", -1e18
        for moment, raw in values:
            value = float(raw) + (below.get(moment, 0) if stacked else 0)
            below[moment] = value
            x, y = SCALE + (moment - begin) / (end - begin) * width, 8 + height * (1 - value / top)
            stepped = (
                f"H{x:.1f} V{y:.1f}" if config["custom"]["lineInterpolation"] == "stepAfter" else f"L{x:.1f},{y:.1f}"
            )
            if config["custom"]["drawStyle"] == "bars":
                path += f"M{x:.1f},{y:.1f} v{height * float(raw) / top:.1f}"
            else:
                path += stepped if moment - before < 1.5 * step else f"M{x:.1f},{y:.1f}"
            before = moment
        drawn.append(f'<path d="{path}" fill="none" stroke="{color}" stroke-width="2"/>')
        legend.append(f"<span><i style='background:{color}'></i>{escape(name)}</span>")
    grid = [(8 + height * (1 - part), _formatted(str(top * part), config)) for part in (0, 0.5, 1)]
    scale = "".join(
        f'<line x1="{SCALE}" x2="{SCALE + width:.0f}" y1="{y:.0f}" y2="{y:.0f}" stroke="#2b2d33"/>'
        f'<text x="{SCALE - 6}" y="{y + 4:.0f}" fill="#9a9ba0" font-size="11" text-anchor="end">{escape(value)}</text>'
        for y, value in grid
    )
    clock = _clock(begin, end, width, height + 24)
    return f"<svg>{scale}{clock}{''.join(drawn)}</svg><div class=legend>{''.join(legend)}</div>"


def _timeline(panel: Panel, got: Got, at: Mapping[str, float]) -> str:
    series = sorted(_series(panel, got))
    width, height = at["w"] * WIDTH / 24 - 160, at["h"] * (ROW + GAP) - 75
    begin, end = at["begin"], at["end"]
    step = min(b[0] - a[0] for _, values in series for a, b in itertools.pairwise(values))
    bar = height / len(series)
    drawn = []
    for number, (name, values) in enumerate(series):
        y = number * bar + 4
        drawn.append(f'<text x="8" y="{y + bar / 2:.0f}" fill="{TEXT}" font-size="12">{escape(name)}</text>')
        for since, until, raw in _runs(values, step):
            text, color = _reading(raw, panel["fieldConfig"]["defaults"])
            x, w = 130 + (since - begin) / (end - begin) * width, max((until - since) / (end - begin) * width, 1)
            drawn.append(f'<rect x="{x:.1f}" y="{y:.0f}" width="{w:.1f}" height="{bar - 8:.0f}" fill="{color}"/>')
            if w > 9 * len(text):
                drawn.append(
                    f'<text x="{x + 6:.0f}" y="{y + bar / 2:.0f}" fill="#111" font-size="12">{escape(text)}</text>'
                )
    return f"<svg>{''.join(drawn)}<g transform='translate(64)'>{_clock(begin, end, width, height + 18)}</g></svg>"


def _runs(values: Sequence[tuple[float, str]], step: float) -> list[tuple[float, float, str]]:
    found: list[tuple[float, float, str]] = []
    for moment, raw in values:
        if found and found[-1][2] == raw and moment - found[-1][1] < step / 2:
            found[-1] = (found[-1][0], moment + step, raw)
        else:
            found.append((moment, moment + step, raw))
    return found


_DRAWN: Mapping[str, Callable[[Panel, Got, Mapping[str, float]], str]] = {
    "stat": _stat,
    "table": _table,
    "timeseries": _timeseries,
    "state-timeline": _timeline,
}


def photograph(page: str, picture: Path, dashboard: Dashboard, folder: Path) -> None:
    """Have Chromium draw the page into a picture."""
    source = folder / f"{picture.stem}.html"
    source.write_text(page, "utf-8")
    rows_high = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in panels(dashboard))
    flags = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    subprocess.run(
        [
            find("chromium"),
            *flags.split(),
            "--disable-component-update",
            "--disable-sync",
            "--hide-scrollbars",
            "--disable-lcd-text",
            f"--user-data-dir={folder / picture.stem}",
            f"--window-size={WIDTH},{rows_high * (ROW + GAP) + 70}",
            f"--screenshot={picture}",
            source.as_uri(),
        ],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=60,
    )
    # Few colours are on it; a palette of them halves the file.
    Image.open(picture).convert("RGB").quantize(96, dither=Image.Dither.NONE).save(picture, optimize=True)


def main() -> None:
    """Starts everything, draws every dashboard and stops it all."""
    parser = argparse.ArgumentParser(prog="python -m tools.dashboard_preview", description=__doc__)
    parser.add_argument("--folder", type=Path, default=REPOSITORY / "docs" / "images", help="where the pictures go")
    parser.add_argument(
        "--watch", type=float, default=240, metavar="SECONDS", help="how long to let the demo run first"
    )
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as scratch,
        lab(FLEET, Path(scratch), past_of(PAST, step=150), sources=SOURCES) as api,
    ):
        wait_for(lambda: api.instant("vpn_connection:aws_vpn_connection_up:avg30d"), 60, "availability")
        time.sleep(options.watch)
        for name in ("fleet", "connection", "options", "exporter"):
            dashboard = load(f"aws-vpn-{name}")
            connections = choices(api, dashboard, "connection") if name == "connection" else {}
            shown = next((text for text in connections if text.startswith(LOOKED_AT)), "")
            span = "5m" if name == "exporter" else "24h"
            variables = variables_of(dashboard, connections.get(shown, ".+"), span)
            if span == "24h":  # which Grafana cuts into points of five minutes
                variables = {**variables, "__rate_interval": "315s"}
            chosen = {"Connection": shown} if shown else {"Account": "All", "Region": "All"}
            page = draw(api, dashboard, variables, {**chosen, "Time": f"last {span}"})
            photograph(page, options.folder / f"dashboard-{name}.png", dashboard, Path(scratch))


if __name__ == "__main__":
    main()
