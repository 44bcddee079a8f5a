// Grafana publishes its state timeline nowhere. This imitates it: the fields, texts and colours come from Grafana's own
// code, the bars and the axis do not. The picture says so.

import * as grafana from '@grafana/data';

const NAMES = 120;
const AXIS = 24;
const TICKS = 6;
const LETTER = 7.5;

export function StateTimeline({ data, width, height, from, to, theme, step }) {
  const series = data.flatMap((frame) =>
    frame.fields.filter(({ type }) => type === 'number').map((field) => ({ frame, field })),
  );
  const bar = (height - AXIS) / series.length;
  const room = width - NAMES;
  const at = (moment) => NAMES + ((moment - from) / (to - from)) * room;
  const ticks = [...Array(TICKS).keys()].map((n) => from + ((n + 0.5) / TICKS) * (to - from));
  return (
    <svg width={width} height={height} style={{ display: 'block', fontSize: 12 }} fill={theme.colors.text.primary}>
      {series.map(({ frame, field }, row) => (
        <g key={row} transform={`translate(0 ${row * bar})`}>
          <text x={8} y={bar / 2 + 4}>
            {grafana.getFieldDisplayName(field, frame, data)}
          </text>
          {runsOf(frame, field, step * 1000).map(({ begin, end, value }) => (
            <Run key={begin} x={at(begin)} width={at(Math.min(end, to)) - at(begin)} height={bar - 8} display={field.display(value)} />
          ))}
        </g>
      ))}
      {ticks.map((moment) => (
        <text key={moment} x={at(moment)} y={height - 6} textAnchor="middle" fill={theme.colors.text.secondary}>
          {grafana.dateTimeFormat(moment, { format: 'HH:mm', timeZone: 'utc' })}
        </text>
      ))}
    </svg>
  );
}

function Run({ x, width, height, display: { text, color } }) {
  const fits = width > text.length * LETTER;
  return (
    <g>
      <rect x={x} y={4} width={Math.max(width, 1)} height={height} fill={color} fillOpacity={0.7} stroke={color} />
      {fits && (
        <text x={x + 6} y={height / 2 + 8}>
          {text}
        </text>
      )}
    </g>
  );
}

/** Neighbours of one value as one bar. Grafana would merge them too, and leave a gap where points are missing. */
function runsOf(frame, field, step) {
  const runs = [];
  field.values.forEach((value, index) => {
    const moment = frame.fields[0].values[index];
    const last = runs.at(-1);
    if (last && last.value === value && moment <= last.end) {
      last.end = moment + step;
    } else {
      runs.push({ value, begin: moment, end: moment + step });
    }
  });
  return runs;
}
