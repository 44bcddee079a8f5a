// What a person would see of a panel: every cell, tile and series with its text, colour and link.

import { boxOf } from './panels.mjs';

const DEFAULT_WIDTH = 150;

/** Everything that a dashboard shows. */
export async function dashboardShown(panels, board, look, ask) {
  const { variables, offered } = await panels.choose(board, look, ask);
  const shown = [];
  for (const panel of panelsOf(board)) {
    if (panels.knows(panel)) {
      shown.push(panelShown(panels, panel, await panels.prepare(panel, variables, ask)));
    }
  }
  const marks = [];
  for (const mark of board.annotations.list.filter(({ expr }) => expr)) {
    marks.push(await markShown(mark, look, variables, ask));
  }
  return { uid: board.uid, title: board.title, offered, panels: shown, marks, unknown: [...variables.unknown] };
}

/** The panels of a dashboard, those in closed rows included. */
export function panelsOf(board) {
  return board.panels.flatMap((panel) => (panel.type === 'row' ? (panel.panels ?? []) : [panel]));
}

function panelShown(panels, panel, prepared) {
  const { title, type } = panel;
  const { empty, grid } = prepared;
  if (empty) {
    return { title, type, empty: panel.fieldConfig.defaults.noValue ?? 'No data', ...(grid && { grid }) };
  }
  const kinds = { stat: figuresShown, table: tableShown, timeseries: seriesShown, 'state-timeline': statesShown };
  return { title, type, ...kinds[type](panels, panel, prepared) };
}

function figuresShown(panels, panel, prepared) {
  const figures = panels.figures(panel, prepared).map(({ display, field }) => ({
    text: panels.grafana.formattedValueToString(display),
    color: panel.options.colorMode === 'none' ? undefined : colorName(display.color),
    unit: field.unit,
  }));
  return { figures, colorMode: panel.options.colorMode };
}

function tableShown(panels, panel, { data, fieldConfig }) {
  const { grafana } = panels;
  const [frame] = data;
  const fields = frame.fields.filter(({ config }) => !config.custom?.hidden && !config.custom?.hideFrom?.viz);
  const columns = fields.map((field) => ({
    title: grafana.getFieldDisplayName(field, frame, data),
    field: field.name,
    width: field.config.custom?.width,
    align: alignmentOf(field),
    filterable: Boolean(field.config.custom?.filterable),
  }));
  const order = sorted(frame, panel.options.sortBy ?? [], (field) => grafana.getFieldDisplayName(field, frame, data));
  const rows = order.map((index) => fields.map((field) => cellShown(grafana, field, index)));
  return {
    frames: data.length,
    room: Math.floor(boxOf(panel.gridPos).width),
    taken: columns.reduce((sum, { width }) => sum + (width ?? DEFAULT_WIDTH), 0),
    sort: (panel.options.sortBy ?? []).map(({ displayName, desc }) => [displayName, Boolean(desc)]),
    nothing: fieldConfig.defaults.noValue,
    columns,
    rows,
  };
}

function cellShown(grafana, field, index) {
  const display = field.display(field.values[index]);
  const painted = field.config.custom?.cellOptions?.type ?? '';
  const [link] = field.getLinks?.({ valueRowIndex: index }) ?? [];
  return {
    text: grafana.formattedValueToString(display),
    raw: field.values[index] ?? null,
    ...(/^color-/.test(painted) && { color: colorName(display.color), loud: painted === 'color-background' }),
    ...(link && { link: link.href }),
  };
}

// As both of Grafana's tables sort: what is missing is less than anything.
function sorted(frame, sortBy, titleOf) {
  const keys = sortBy
    .map(({ displayName, desc }) => ({ field: frame.fields.find((field) => titleOf(field) === displayName), desc }))
    .filter(({ field }) => field);
  const collator = new Intl.Collator('en', { sensitivity: 'base', numeric: true });
  const compare = (a, b, type) =>
    type === 'string' ? collator.compare(a ?? '', b ?? '') : (a ?? -Infinity) - (b ?? -Infinity) || 0;
  return [...Array(frame.length).keys()].sort((a, b) => {
    for (const { field, desc } of keys) {
      const order = compare(field.values[a], field.values[b], field.type);
      if (order) {
        return desc ? -order : order;
      }
    }
    return a - b;
  });
}

function alignmentOf({ type, config }) {
  const align = config.custom?.align;
  return align && align !== 'auto' ? align : type === 'number' ? 'right' : 'left';
}

function seriesShown(panels, panel, { data }) {
  const { grafana } = panels;
  const series = valuesOf(data).map(([field, frame]) => {
    const numbers = field.values.filter((value) => value !== null);
    const text = (value) => grafana.formattedValueToString(field.display(value));
    return {
      name: grafana.getFieldDisplayName(field, frame, data),
      // Each Grafana has a palette of its own.
      color: field.config.color?.mode === 'fixed' ? colorOf(field, panels) : 'palette',
      least: text(Math.min(...numbers)),
      most: text(Math.max(...numbers)),
      last: text(numbers.at(-1)),
      whole: numbers.every(Number.isInteger),
    };
  });
  const { unit, custom } = panel.fieldConfig.defaults;
  return {
    series: series.sort((a, b) => a.name.localeCompare(b.name)),
    counts: unit === 'none',
    axisSoftMax: custom?.axisSoftMax ?? null,
  };
}

function colorOf(field, { grafana, theme }) {
  return colorName(grafana.getFieldColorModeForField(field).getCalculator(field, theme)(0, 0));
}

function statesShown(panels, panel, { data }) {
  const { grafana } = panels;
  const series = valuesOf(data).map(([field, frame]) => {
    const states = [];
    for (const value of field.values) {
      const display = field.display(value);
      const state = { text: grafana.formattedValueToString(display), color: colorName(display.color) };
      if (state.text !== states.at(-1)?.text) {
        states.push(state);
      }
    }
    return { name: grafana.getFieldDisplayName(field, frame, data), mode: field.config.color?.mode, states };
  });
  return { series: series.sort((a, b) => a.name.localeCompare(b.name)) };
}

function valuesOf(data) {
  return data.flatMap((frame) => frame.fields.filter(({ type }) => type === 'number').map((field) => [field, frame]));
}

async function markShown(mark, look, variables, ask) {
  const { expr, name, titleFormat, textFormat } = mark;
  const step = 60;
  const asked = variables.at(step, 2 * step);
  const seconds = { m: 60, h: 3600, d: 86400 }[look.span.at(-1)] * parseFloat(look.span);
  const series = await ask.range(asked.query(expr), seconds, step);
  const fill = (format, labels) => (format ?? '').replace(/\{\{(\w+)\}\}/g, (_, label) => labels[label] ?? '');
  const said = series.map(({ metric }) => `${fill(titleFormat, metric)}: ${fill(textFormat, metric)}`);
  return { name, on: mark.enable, said: [...new Set(said)].sort() };
}

// Grafana's own names stay; the palette's colours are named, so that a golden file can be read.
const NAMES = {
  '#d55e00': 'red',
  '#e69f00': 'orange',
  '#f0e442': 'yellow',
  '#009e73': 'green',
  '#56b4e9': 'blue',
  '#cc79a7': 'purple',
  '#7f7f7f': 'grey',
  '#00000000': 'transparent',
  '#ccccdc': 'plain',
  'rgb(204, 204, 220)': 'plain',
};

function colorName(color) {
  return color && (NAMES[color.toLowerCase()] ?? color);
}
