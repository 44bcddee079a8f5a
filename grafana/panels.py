"""The kinds of panel and variable that the dashboards are made of, so that adding a panel is one entry."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import common, prometheus, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common as shapes
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

Panel = Builder[model.Panel]
Link = Mapping[str, object]

# Okabe and Ito's palette: each two of these can be told apart with every kind of colour blindness.
RED, ORANGE, YELLOW, GREEN, BLUE, PURPLE, GREY = (
    "#D55E00",
    "#E69F00",
    "#F0E442",
    "#009E73",
    "#56B4E9",
    "#CC79A7",
    "#7F7F7F",
)
PLAIN = "text"

DATA_SOURCE = shapes.DataSourceRef(type_val="prometheus", uid="${datasource}")


@dataclass(frozen=True)
class Words:
    """Numbers or words from a query, as a person reads them: each with its text and its colour."""

    by_value: Mapping[str, tuple[str, str]]

    def mapping(self) -> model.ValueMapping:
        """The same as Grafana's value mapping."""
        results = enumerate(self.by_value.items())
        return model.ValueMap(
            options={
                value: model.ValueMappingResult(text=text, color=color, index=index)
                for index, (value, (text, color)) in results
            }
        )


Steps = Sequence[tuple[float | None, str]]
"""Colours and the value from which each holds; the first one holds from None, minus infinity."""


def steps(colors: Steps) -> build.ThresholdsConfig:
    """The thresholds of a panel."""
    return (
        build.ThresholdsConfig()
        .mode(model.ThresholdsMode.ABSOLUTE)
        .steps([model.Threshold(value=value, color=color) for value, color in colors])
    )


NEUTRAL: Steps = ((None, PLAIN),)


@dataclass(frozen=True)
class Column:
    """One column of a table: a label that its queries return, or, with `expr`, the value of a query of its own."""

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
    changed_from: str | None = None
    """A value of the label that is nothing special; every other one is coloured."""
    hidden: bool = False
    """Whether the query is asked for its labels only."""


@dataclass(frozen=True)
class Matrix:
    """Turns a table into one row for each value of `rows` and one column for each value of `columns`."""

    rows: str
    columns: str
    cells: str = "Value"


def query(
    expr: str, ref: str = "A", legend: str = "", instant: bool = False, rows: bool = False
) -> prometheus.Dataquery:
    """One Prometheus query; `rows` asks for a table, `legend` names the series."""
    made = prometheus.Dataquery().expr(expr).ref_id(ref).datasource(DATA_SOURCE)
    made = made.instant() if instant else made.range()
    made = made.format(PromQueryFormat.TABLE if rows else PromQueryFormat.TIME_SERIES)
    return made.legend_format(legend) if legend else made


def number(
    title: str,
    description: str,
    expr: str,
    *,
    unit: str = "short",
    decimals: int | None = None,
    colors: Steps = NEUTRAL,
    words: Words | None = None,
    empty: str = "Nothing is known",
    width: int = 4,
    height: int = 4,
) -> Panel:
    """One big figure; its background is coloured where `colors` or `words` say that it means something."""
    panel = (
        stat.Panel()
        .title(title)
        .description(description)
        .datasource(DATA_SOURCE)
        .with_target(query(expr, instant=True))
        .unit(unit)
        .no_value(empty)
        .thresholds(steps(colors))
        .mappings([words.mapping()] if words else [])
        .color_mode(
            shapes.BigValueColorMode.BACKGROUND_SOLID if colors != NEUTRAL or words else shapes.BigValueColorMode.NONE
        )
        .graph_mode(shapes.BigValueGraphMode.NONE)
        .text_mode(shapes.BigValueTextMode.VALUE)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
        .span(width)
        .height(height)
    )
    return panel if decimals is None else panel.decimals(decimals)


def lines(
    title: str,
    description: str,
    queries: Mapping[str, str],
    *,
    unit: str = "short",
    empty: str,
    stacked: bool = False,
    stepped: bool = False,
    bars: bool = False,
    colors: Mapping[str, str] | None = None,
    width: int = 12,
    height: int = 8,
) -> Panel:
    """Values over time; `queries` is the legend of each query and its expression."""
    panel = (
        timeseries.Panel()
        .title(title)
        .description(description)
        .datasource(DATA_SOURCE)
        .targets([query(expr, ref, legend) for ref, (legend, expr) in zip(_refs(), queries.items(), strict=False)])
        .unit(unit)
        .min(0)
        .no_value(empty)
        .draw_style(shapes.GraphDrawStyle.BARS if bars else shapes.GraphDrawStyle.LINE)
        .line_width(2)
        .fill_opacity(100 if bars else 25 if stacked else 5)
        .show_points(shapes.VisibilityMode.AUTO)
        .line_interpolation(shapes.LineInterpolation.STEP_AFTER if stepped else shapes.LineInterpolation.LINEAR)
        .stacking(
            common.StackingConfig().mode(shapes.StackingMode.NORMAL if stacked else shapes.StackingMode.NONE).group("A")
        )
        .legend(_legend(shown=True))
        .tooltip(common.VizTooltipOptions().mode(shapes.TooltipDisplayMode.MULTI).sort(shapes.SortOrder.DESCENDING))
        .span(width)
        .height(height)
    )
    for series, color in (colors or {}).items():
        panel = panel.override_by_name(series, [_property("color", {"mode": "fixed", "fixedColor": color})])
    return panel


def timeline(
    title: str, description: str, expr: str, words: Words, *, legend: str, empty: str, width: int = 24, height: int = 6
) -> Panel:
    """States over time, one bar a series."""
    return (
        statetimeline.Panel()
        .title(title)
        .description(description)
        .datasource(DATA_SOURCE)
        .with_target(query(expr, legend=legend))
        .unit("string")
        .mappings([words.mapping()])
        .color_scheme(build.FieldColor().mode(model.FieldColorModeId.THRESHOLDS))
        .thresholds(steps(((None, GREY),)))
        .no_value(empty)
        .show_value(shapes.VisibilityMode.AUTO)
        .legend(_legend(shown=False))
        .span(width)
        .height(height)
    )


def rows(
    title: str,
    description: str,
    columns: Sequence[Column],
    *,
    empty: str,
    sort: tuple[str, bool] | None = None,
    matrix: Matrix | None = None,
    width: int = 24,
    height: int = 9,
) -> Panel:
    """A table: the columns in their order, one row for each set of labels that the columns' queries share.

    Every label of an answer must be a column. `sort` is a column's title and whether the largest comes first.
    With a `matrix`, there is one query; the titles of its columns are in the answer.
    """
    asked = [column for column in columns if column.expr]
    refs = dict(zip((column.expr for column in asked), _refs(), strict=False))

    def name(column: Column) -> str:
        return column.label or ("Value" if len(asked) == 1 else f"Value #{refs[column.expr]}")

    panel = (
        table.Panel()
        .title(title)
        .description(description)
        .datasource(DATA_SOURCE)
        .targets([query(expr, ref, instant=True, rows=True) for expr, ref in refs.items()])
        .unit("string")
        .thresholds(steps(NEUTRAL))
        .no_value(empty)
        .filterable(matrix is None)
        .cell_height(shapes.TableCellHeight.SM)
        .span(width)
        .height(height)
    )
    if matrix:
        panel = panel.with_transformation(
            _transformation(
                "groupingToMatrix", rowField=matrix.rows, columnField=matrix.columns, valueField=matrix.cells
            )
        )
        return _matrix_fields(panel, matrix, columns)
    if len(asked) > 1:
        panel = panel.with_transformation(_transformation("merge"))
    panel = panel.with_transformation(
        _transformation(
            "organize",
            excludeByName={"Time": True, **{name(column): True for column in columns if column.hidden}},
            indexByName={name(column): index for index, column in enumerate(columns)},
            renameByName={},
        )
    )
    for column in columns:
        if not column.hidden:
            panel = panel.override_by_name(name(column), _properties(column))
    if sort:
        panel = panel.sort_by([common.TableSortByFieldState().display_name(sort[0]).desc(sort[1])])
    return panel


def _matrix_fields(panel: table.Panel, matrix: Matrix, columns: Sequence[Column]) -> table.Panel:
    # The corner's name is made by Grafana: the two fields with a backslash between them.
    for column in columns:
        if column.label:
            panel = panel.override_by_regexp(rf"/^{matrix.rows}\\/", _properties(column))
        else:
            properties = [one for one in _properties(column) if one.id_val != "displayName"]
            panel = panel.override_by_regexp(rf"/^(?!{matrix.rows}\\)/", properties)
    return panel


def _properties(column: Column) -> list[model.DynamicConfigValue]:
    """What a column says, as overrides of its field."""
    found: list[tuple[str, object]] = [("displayName", column.title)]
    if column.unit != "string":
        found.append(("unit", column.unit))
    if column.decimals is not None:
        found.append(("decimals", column.decimals))
    if column.width:
        found.append(("custom.width", column.width))
    if column.words:
        found.append(("mappings", [column.words.mapping()]))
        loud = {"type": "color-background", "mode": "basic"}
        found.append(("custom.cellOptions", {"type": "color-text"} if column.quiet else loud))
    if column.changed_from is not None:
        found.append(("mappings", [_anything_but(column.changed_from)]))
        found.append(("custom.cellOptions", {"type": "color-text"}))
    if column.colors:
        thresholds = [{"value": value, "color": color} for value, color in column.colors]
        found.append(("thresholds", {"mode": "absolute", "steps": thresholds}))
        if not column.words:
            found.append(("custom.cellOptions", {"type": "color-text"}))
    if column.link:
        found.append(("links", [column.link]))
    return [_property(name, value) for name, value in found]


def _anything_but(value: str) -> model.RegexMap:
    return model.RegexMap(
        options=model.DashboardRegexMapOptions(
            pattern=f"^(?!{value}$).*", result=model.ValueMappingResult(color=BLUE, index=0)
        )
    )


def link(title: str, url: str) -> Link:
    """A data link; pages outside Grafana open beside it."""
    return {"title": title, "url": url, "targetBlank": not url.startswith("/d/")}


def _legend(shown: bool) -> common.VizLegendOptions:
    made = common.VizLegendOptions().show_legend(shown).display_mode(shapes.LegendDisplayMode.LIST)
    return made.placement(shapes.LegendPlacement.BOTTOM)


def _property(name: str, value: object) -> model.DynamicConfigValue:
    return model.DynamicConfigValue(id_val=name, value=value)


def _transformation(name: str, **options: object) -> model.DataTransformerConfig:
    return model.DataTransformerConfig(id_val=name, options=options)


def _refs() -> Iterable[str]:
    return (chr(letter) for letter in range(ord("A"), ord("Z") + 1))
