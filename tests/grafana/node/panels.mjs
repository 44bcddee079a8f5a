// What Grafana does with a panel's data, by its own code: transformations, overrides, mappings, units, colours, links.
// Works in Node and in a browser: the libraries are handed in.

import { framesOf } from './frames.mjs';
import { chooseVariables, secondsOf } from './variables.mjs';

export const PAGE_WIDTH = 1680;
const PADDING = 12;
const GAP = 8;
const ROW_HEIGHT = 30;
const COLUMNS = 24;
const SCRAPE_INTERVAL = 30;

/** Where a panel lies on a page of PAGE_WIDTH, in pixels. */
export function boxOf({ x, y, w, h }) {
  const column = (PAGE_WIDTH - 2 * PADDING + GAP) / COLUMNS;
  const row = ROW_HEIGHT + GAP;
  return { left: PADDING + x * column, top: y * row, width: w * column - GAP, height: h * row - GAP };
}

// What each kind of panel sets where a dashboard says nothing: the defaults of Grafana's own plugins, which are not
// among the libraries.
const FIXED = { hideFrom: { tooltip: false, viz: false, legend: false } };
const PLUGINS = {
  stat: { color: 'thresholds', custom: {} },
  table: {
    color: 'thresholds',
    custom: {
      align: 'auto',
      cellOptions: { type: 'auto' },
      inspect: false,
      filterable: false,
      hidden: undefined,
      hideFrom: undefined,
      width: undefined,
      minWidth: undefined,
      wrapHeaderText: undefined,
    },
  },
  timeseries: {
    color: 'palette-classic',
    custom: {
      drawStyle: 'line',
      lineInterpolation: 'linear',
      barAlignment: 0,
      barWidthFactor: 0.6,
      lineWidth: 1,
      fillOpacity: 0,
      gradientMode: 'none',
      spanNulls: false,
      insertNulls: false,
      showPoints: 'auto',
      pointSize: 5,
      stacking: { mode: 'none', group: 'A' },
      axisPlacement: 'auto',
      axisLabel: '',
      axisColorMode: 'text',
      axisBorderShow: false,
      axisSoftMax: undefined,
      scaleDistribution: { type: 'linear' },
      axisCenteredZero: false,
      thresholdsStyle: { mode: 'off' },
      ...FIXED,
    },
  },
  'state-timeline': {
    color: 'continuous-GrYlRd',
    custom: { lineWidth: 0, fillOpacity: 70, spanNulls: false, insertNulls: false, ...FIXED },
  },
};

/** The library functions bound together, as Grafana's application does at its start. */
export class Panels {
  /** `lazy`: whether this Grafana loads a transformation when it is first used, as 13 does. */
  constructor({ grafana, firstValueFrom, lazy }, mode = 'dark') {
    this.grafana = grafana;
    this.firstValueFrom = firstValueFrom;
    this.theme = grafana.createTheme({ colors: { mode } });
    this.standard = standardProperties(grafana);
    fillRegistries(grafana, this.standard, lazy);
  }

  /** Whether this is a kind of panel that can be asked and shown here; logs come from elsewhere. */
  knows(panel) {
    return panel.type in PLUGINS;
  }

  /** Chooses the variables of a dashboard as `look` says. */
  async choose(board, look, ask) {
    return chooseVariables(board, look, ask, this.grafana.stringToJsRegex);
  }

  /**
   * A panel, asked and prepared.
   *
   * @returns {data, fieldConfig, replace, empty}: `data` are frames whose fields have `display` and `getLinks`
   */
  async prepare(panel, variables, ask) {
    const seconds = secondsOf(variables.span);
    const step = this.#stepOf(panel, seconds);
    const asked = variables.at(step, Math.max(step + SCRAPE_INTERVAL, 4 * SCRAPE_INTERVAL));
    const frames = [];
    for (const target of panel.targets) {
      const query = asked.query(target.expr);
      const result = await (target.instant ? ask.instant(query) : ask.range(query, seconds, step));
      frames.push(...framesOf(target, result, panel.targets.length > 1, step));
    }
    return { ...(await this.shape(panel, frames, asked)), step };
  }

  /** Frames as a panel shows them. */
  async shape(panel, frames, variables) {
    const { grafana } = this;
    const replace = variables.replacer((name, path, context) => this.#dataOf(name, path, context));
    const transformations = structuredClone(panel.transformations ?? []);
    const transformed = await this.firstValueFrom(
      grafana.transformDataFrame(transformations, frames, { interpolate: (text) => replace(text) }),
    );
    const fieldConfig = this.#fieldConfigOf(panel);
    const data = grafana.applyFieldOverrides({
      data: transformed,
      fieldConfig,
      fieldConfigRegistry: this.#registryOf(panel.type),
      theme: this.theme,
      replaceVariables: replace,
      timeZone: 'utc',
    });
    // Without this, columns of one name are told apart by numbers that no override knows.
    grafana.cacheFieldDisplayNames(data);
    const empty = data.every((frame) => !frame.length);
    return { data, fieldConfig, replace, empty, grid: empty && data.some((frame) => frame.fields.length) };
  }

  /** The figures of a stat panel. */
  figures(panel, { data, fieldConfig, replace }) {
    return this.grafana.getFieldDisplayValues({
      fieldConfig,
      reduceOptions: panel.options.reduceOptions,
      data,
      theme: this.theme,
      replaceVariables: replace,
      timeZone: 'utc',
    });
  }

  #stepOf(panel, seconds) {
    const { dateTime, rangeUtil } = this.grafana;
    const end = 1e12;
    const range = { from: dateTime(end - seconds * 1000), to: dateTime(end), raw: { from: 'now', to: 'now' } };
    const points = Math.floor(boxOf(panel.gridPos).width);
    return Math.max(rangeUtil.calculateInterval(range, points, `${SCRAPE_INTERVAL}s`).intervalMs / 1000, 1);
  }

  #dataOf(name, path, context) {
    const { grafana } = this;
    if (!context) {
      return undefined;
    }
    if (name === '__field' && path === '.name') {
      return grafana.getFieldDisplayName(context.field, context.frame, context.data);
    }
    const [, byName, byPlace] = /^\.fields(?:\.(\w+)|\[(\d+)\])$/.exec(path) ?? [];
    if (name !== '__data' || (byName ?? byPlace) === undefined) {
      return undefined;
    }
    const rowIndex = context.rowIndex;
    const fields = grafana.getFieldDisplayValuesProxy({ frame: context.frame, rowIndex, timeZone: 'utc' });
    return fields[byName ?? Number(byPlace)]?.toString();
  }

  #fieldConfigOf(panel) {
    const plugin = PLUGINS[panel.type];
    const config = structuredClone(panel.fieldConfig);
    config.defaults.color ??= { mode: plugin.color };
    config.defaults.thresholds ??= { mode: 'absolute', steps: [{ value: null, color: 'green' }] };
    for (const step of config.defaults.thresholds.steps) {
      step.value ??= -Infinity;
    }
    config.defaults.custom = { ...plugin.custom, ...config.defaults.custom };
    return config;
  }

  #registryOf(type) {
    const { grafana, standard } = this;
    const custom = Object.keys(PLUGINS[type].custom).map((id) =>
      property(`custom.${id}`, grafana.identityOverrideProcessor, { path: id, isCustom: true }),
    );
    return new grafana.Registry(() => [...standard, ...custom]);
  }
}

function property(id, process, more = {}) {
  const unused = () => null;
  return { id, path: id, name: id, editor: unused, override: unused, process, shouldApply: () => true, settings: {}, ...more };
}

function standardProperties(grafana) {
  return [
    property('unit', grafana.unitOverrideProcessor),
    property('min', grafana.numberOverrideProcessor),
    property('max', grafana.numberOverrideProcessor),
    property('fieldMinMax', grafana.booleanOverrideProcessor),
    property('decimals', grafana.numberOverrideProcessor),
    property('displayName', grafana.displayNameOverrideProcessor),
    property('color', grafana.identityOverrideProcessor),
    property('noValue', grafana.stringOverrideProcessor),
    property('links', grafana.dataLinksOverrideProcessor),
    property('filterable', grafana.booleanOverrideProcessor),
    property('thresholds', grafana.thresholdsOverrideProcessor),
    property('mappings', grafana.valueMappingsOverrideProcessor),
  ];
}

function fillRegistries(grafana, standard, lazy) {
  const byId = new Map(Object.values(grafana.standardTransformers).map((one) => [one.id, one]));
  grafana.standardTransformersRegistry.setInit(() =>
    [...byId.values()].map((one) => ({
      id: one.id,
      name: one.name,
      transformation: lazy ? async () => one : one,
      editor: () => null,
    })),
  );
  grafana.standardFieldConfigEditorRegistry.setInit(() => standard);
}
