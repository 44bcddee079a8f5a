// What Grafana's Prometheus data source makes of an answer before a panel sees it. That data source is not published
// under a free licence; this is the part of its behaviour that the dashboards rely on.

const TIME = 'Time';
const VALUE = 'Value';

/**
 * The data frames of one query.
 *
 * @param target the query as the dashboard has it
 * @param result Prometheus's `data.result`: a vector for an instant query, a matrix for a range
 * @param many   whether the panel has several queries, for then their values are told apart by the query's name
 * @param step   seconds between two points of a range
 */
export function framesOf(target, result, many, step) {
  if (target.format === 'table') {
    return [many || result.length ? tableOf(target.refId, result, many) : nothing(target.refId)];
  }
  return result.length ? result.map((series) => seriesOf(target, series, step)) : [nothing(target.refId)];
}

function nothing(refId) {
  return { refId, fields: [], length: 0 };
}

function tableOf(refId, result, many) {
  const names = [];
  for (const { metric } of result) {
    names.push(...Object.keys(metric).sort().filter((name) => !names.includes(name)));
  }
  return {
    refId,
    length: result.length,
    fields: [
      { name: TIME, type: 'time', config: {}, values: result.map(({ value }) => value[0] * 1000) },
      ...names.map((name) => ({
        name,
        type: 'string',
        config: { filterable: true },
        values: result.map(({ metric }) => metric[name] ?? ''),
      })),
      {
        name: many ? `${VALUE} #${refId}` : VALUE,
        type: 'number',
        config: {},
        values: result.map(({ value }) => numberOf(value[1])),
      },
    ],
  };
}

function seriesOf(target, { metric, value, values = [value] }, step) {
  return {
    refId: target.refId,
    length: values.length,
    fields: [
      {
        name: TIME,
        type: 'time',
        config: target.instant ? {} : { interval: step * 1000 },
        values: values.map(([moment]) => moment * 1000),
      },
      {
        name: VALUE,
        type: 'number',
        labels: metric,
        config: { displayNameFromDS: nameOf(target.legendFormat, metric) },
        values: values.map(([, text]) => numberOf(text)),
      },
    ],
  };
}

function nameOf(legend, labels) {
  if (legend) {
    return legend.replace(/\{\{\s*(.+?)\s*\}\}/g, (_, label) => labels[label] ?? '');
  }
  const { __name__: metric = '', ...others } = labels;
  return `${metric}{${Object.entries(others).map(([label, text]) => `${label}="${text}"`).join(', ')}}`;
}

function numberOf(text) {
  return text === '+Inf' ? Infinity : text === '-Inf' ? -Infinity : Number(text);
}
