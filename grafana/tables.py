"""Tables: rows that have a key, columns of words and numbers, and matrices.

Each query of a table is asked by the table's key alone, and Grafana joins the answers on it. Its transformation
`merge` would need no key, but takes the square of the rows as soon as one answer is empty: seconds for milliseconds.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import common, table
from grafana_foundation_sdk.models import common as shapes
from grafana_foundation_sdk.models import dashboard as model

from grafana.panels import (
    CALM,
    DATA_SOURCE,
    NEUTRAL,
    Link,
    Panel,
    Steps,
    Words,
    property_of,
    query,
    refs,
    steps,
    transformation,
)

NONE = "—"
"""What a cell says whose label is empty. Prometheus knows no empty label, and a column of none would vanish."""
_ROW = "row"
_LOUD = {"type": "color-background", "mode": "basic"}
_QUIET = {"type": "color-text"}
# The first for Grafana 10 to 12, the second from 13 on.
_HIDDEN = [property_of("custom.hidden", True), property_of("custom.hideFrom", {"viz": True})]


@dataclass(frozen=True)
class Column:
    """One column of a table: a label that its facts or its key bring, or, with `expr`, the value of a query."""

    title: str
    label: str = ""
    expr: str = ""
    unit: str = "string"
    decimals: int | None = None
    words: Words | None = None
    quiet: bool = False
    """Whether its words colour the text only, and not the whole cell."""
    colors: Steps = ()
    link: Link | None = None
    width: int | None = None
    """In pixels; without one the column takes what room is left."""
    filterable: bool = False


@dataclass(frozen=True)
class Facts:
    """A query that is asked for some of its labels: what words can be said of each row."""

    labels: tuple[str, ...]
    expr: str
    may_lack: tuple[str, ...] = ()
    """Labels that an older exporter does not publish: their column is there only where they are."""


@dataclass(frozen=True)
class Matrix:
    """One row for each value of `rows` and one column for each value of `columns`, both of them labels."""

    rows: str
    columns: str
    cells: str = "Value"


def rows(
    title: str,
    description: str,
    columns: Sequence[Column],
    *,
    key: Sequence[str],
    facts: Sequence[Facts] = (),
    empty: str,
    sort: Sequence[tuple[str, bool]] = (),
    width: int = 24,
    height: int = 9,
) -> Panel:
    """A table: the columns in their order, one row for each value of the `key`, which is a label or several.

    `sort` has titles of columns, and whether the largest comes first; every row should have a value of the first one.
    """
    asked = {column.expr: _by(key, (), column.expr) for column in columns if column.expr}
    asked |= {fact.expr: _by(key, (*fact.labels, *fact.may_lack), _filled(fact)) for fact in facts}
    ref = dict(zip(asked, refs(), strict=False))

    def name(column: Column) -> str:
        return column.label or ("Value" if len(asked) == 1 else f"Value #{ref[column.expr]}")

    joined = key[0] if len(key) == 1 else _ROW
    shown = [name(column) for column in columns]
    # Links name these, though nobody needs to see them.
    known = dict.fromkeys((*(key if joined != _ROW else ()), *_labels(facts)))
    unseen = [label for label in known if label not in shown]
    names = [*shown, *unseen]
    # Kept up to the join: it takes two answers at least, and an empty one consists of its value alone.
    of_facts = [f"Value #{ref[fact.expr]}" for fact in facts] if len(asked) > 1 else []
    panel = _panel(title, description, [(ref[expr], asked[expr]) for expr in asked], empty, width, height)
    panel = panel.with_transformation(
        transformation("filterFieldsByName", include={"names": list(dict.fromkeys((joined, *names, *of_facts)))})
    )
    if len(asked) > 1:
        panel = panel.with_transformation(transformation("joinByField", byField=joined, mode="outer"))
    panel = panel.with_transformation(
        transformation(
            "organize",
            excludeByName=dict.fromkeys([*([_ROW] if joined == _ROW else []), *of_facts], True),
            indexByName={one: index for index, one in enumerate(names)},
            renameByName={},
        )
    )
    for column in columns:
        panel = panel.override_by_name(name(column), _properties(column))
    for label in unseen:
        panel = panel.override_by_name(label, _HIDDEN)
    panel = _quiet_gaps(panel)
    return panel.sort_by([common.TableSortByFieldState().display_name(one).desc(desc) for one, desc in sort])


def matrix(
    title: str,
    description: str,
    expr: str,
    shape: Matrix,
    *,
    head: Column,
    cells: Column,
    empty: str,
    width: int = 24,
    height: int = 9,
) -> Panel:
    """A table that one query fills: `head` is the column that names the rows, `cells` says how all others read."""
    panel = _panel(title, description, [("A", expr)], empty, width, height)
    panel = panel.with_transformation(
        transformation("groupingToMatrix", rowField=shape.rows, columnField=shape.columns, valueField=shape.cells)
    )
    # Grafana names the first column after both labels. It comes last here: once it has its own title, an override for
    # all but that name would fit it too.
    properties = [one for one in _properties(cells) if one.id_val != "displayName"]
    panel = panel.override_by_regexp(rf"/^(?!{shape.rows}\\)/", properties)
    panel = panel.override_by_regexp(rf"/^{shape.rows}\\/", _properties(head))
    return _quiet_gaps(panel)


def link(title: str, url: str) -> Link:
    """A data link; pages outside Grafana open beside it."""
    return {"title": title, "url": url, "targetBlank": not url.startswith("/d/")}


def _panel(
    title: str, description: str, queries: Sequence[tuple[str, str]], empty: str, width: int, height: int
) -> table.Panel:
    return (
        table.Panel()
        .title(title)
        .description(description)
        .datasource(DATA_SOURCE)
        .targets([query(expr, ref, instant=True, rows=True) for ref, expr in queries])
        .unit("string")
        .thresholds(steps(NEUTRAL))
        .no_value(empty)
        .cell_height(shapes.TableCellHeight.SM)
        .span(width)
        .height(height)
    )


def _by(key: Sequence[str], labels: Sequence[str], expr: str) -> str:
    """One series for each key, with these labels, whoever scraped it."""
    if len(key) == 1:
        return f"max by ({', '.join(dict.fromkeys((*key, *labels)))}) (\n{expr}\n)"
    parts = ", ".join(f'"{label}"' for label in key)
    return f'max by ({", ".join((_ROW, *labels))}) (label_join(\n{expr},\n"{_ROW}", " ", {parts}))'


def _labels(facts: Sequence[Facts]) -> Iterator[str]:
    return (label for fact in facts for label in (*fact.labels, *fact.may_lack))


def _filled(fact: Facts) -> str:
    expr = fact.expr
    for label in fact.labels:
        expr = f'label_replace({expr}, "{label}", "{NONE}", "{label}", "")'
    return expr


def _quiet_gaps(panel: table.Panel) -> table.Panel:
    """What the panel says while it is empty, each empty cell would say too, unless the last override says otherwise."""
    return panel.override_by_regexp("/.*/", [property_of("noValue", "")])


def _properties(column: Column) -> list[model.DynamicConfigValue]:
    """What a column says, as overrides of its field."""
    found: dict[str, object] = {"displayName": column.title}
    if column.unit != "string":
        found["unit"] = column.unit
    if column.decimals is not None:
        found["decimals"] = column.decimals
    if column.width:
        found["custom.width"] = column.width
    if column.filterable:
        found["custom.filterable"] = True
    if column.words:
        found["mappings"] = column.words.mappings()
        found["custom.cellOptions"] = _QUIET if column.quiet else _LOUD
        if not column.quiet:
            # A gap, and words that say nothing: a text's colour would fill their cells with pale grey.
            found["thresholds"] = {"mode": "absolute", "steps": [{"value": None, "color": CALM}]}
    if column.words or column.unit.startswith("dateTime"):
        # Behind most words and all times are numbers, which would stand on the right.
        found["custom.align"] = "left"
    if column.colors:
        colors = [{"value": at, "color": color} for at, color in column.colors]
        found["thresholds"] = {"mode": "absolute", "steps": colors}
        found.setdefault("custom.cellOptions", _QUIET)
    if column.link:
        found["links"] = [column.link]
    return [property_of(name, value) for name, value in found.items()]
