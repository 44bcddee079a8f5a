"""The kinds of panel and variable that the dashboards are made of, so that adding a panel is one entry."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import common, prometheus, stat, statetimeline, timeseries
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

    def mappings(self) -> list[model.ValueMapping]:
        """The same as Grafana's value mappings."""
        results = enumerate(self.by_value.items())
        return [
            model.ValueMap(
                options={
                    value: model.ValueMappingResult(text=text, color=color, index=index)
                    for index, (value, (text, color)) in results
                }
            )
        ]


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
CALM = "transparent"
"""The base colour of a figure with a background: a text's colour would fill the tile with pale grey."""


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
    unit: str = "none",
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
        .mappings(words.mappings() if words else [])
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
    unit: str,
    decimals: int | None = None,
    reach: float = 1,
    empty: str,
    stacked: bool = False,
    stepped: bool = False,
    bars: bool = False,
    colors: Mapping[str, str] | None = None,
    names: Mapping[str, str] | None = None,
    width: int = 12,
    height: int = 8,
) -> Panel:
    """Values over time; `queries` is the legend of each query and its expression, `names` how a legend reads.

    The axis goes to `reach` or further: over nothing but zeros it would go to 100.
    """
    panel = (
        timeseries.Panel()
        .title(title)
        .description(description)
        .datasource(DATA_SOURCE)
        .targets([query(expr, ref, legend) for ref, (legend, expr) in zip(refs(), queries.items(), strict=False)])
        .unit(unit)
        .min(0)
        .axis_soft_max(reach)
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
    if decimals is not None:
        panel = panel.decimals(decimals)
    for series, color in (colors or {}).items():
        panel = panel.override_by_name(series, [property_of("color", {"mode": "fixed", "fixedColor": color})])
    for series, name in (names or {}).items():
        panel = panel.override_by_name(series, [property_of("displayName", name)])
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
        .mappings(words.mappings())
        # With thresholds as the colour mode, neighbours that are merged would lose their words.
        .color_scheme(build.FieldColor().mode(model.FieldColorModeId.FIXED).fixed_color(GREY))
        .thresholds(steps(((None, GREY),)))
        .merge_values(True)
        .no_value(empty)
        .show_value(shapes.VisibilityMode.AUTO)
        .legend(_legend(shown=False))
        .span(width)
        .height(height)
    )


def _legend(shown: bool) -> common.VizLegendOptions:
    made = common.VizLegendOptions().show_legend(shown).display_mode(shapes.LegendDisplayMode.LIST)
    return made.placement(shapes.LegendPlacement.BOTTOM)


def property_of(name: str, value: object) -> model.DynamicConfigValue:
    """One property of an override."""
    return model.DynamicConfigValue(id_val=name, value=value)


def transformation(name: str, **options: object) -> model.DataTransformerConfig:
    """One transformation of a panel."""
    return model.DataTransformerConfig(id_val=name, options=options)


def refs() -> Iterable[str]:
    """Names for the queries of a panel."""
    return (chr(letter) for letter in range(ord("A"), ord("Z") + 1))
