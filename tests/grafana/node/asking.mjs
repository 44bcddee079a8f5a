// Where answers come from: a Prometheus that runs, or a recording of one. Both have the methods `instant`, `range` and
// `labelValues`, and both know what time it is.

/** Asks a real Prometheus, as of one moment, and keeps what it was told. */
export class Live {
  constructor(url, now = Math.floor(Date.now() / 1000)) {
    this.url = url;
    this.now = now;
    this.kept = { instant: {}, range: {}, labelValues: {} };
  }

  async instant(query) {
    const { result } = await this.#get('query', { query, time: this.now });
    this.kept.instant[query] = result.map(({ metric, value }) => [metric, value[1]]);
    return result;
  }

  async range(query, seconds, step) {
    // Grafana aligns ranges with their step, so that the same points come back at each refresh.
    const start = Math.floor((this.now - seconds) / step) * step;
    const end = Math.floor(this.now / step) * step;
    const { result } = await this.#get('query_range', { query, start, end, step });
    this.kept.range[rangeKey(query, start, end, step)] = result.map(({ metric, values }) => [
      metric,
      shortened(values, start, end, step),
    ]);
    return result;
  }

  async labelValues(label, match, seconds) {
    const found = await this.#get(`label/${label}/values`, {
      'match[]': match,
      start: this.now - seconds,
      end: this.now,
    });
    this.kept.labelValues[`${label} of ${match}`] = found;
    return found;
  }

  async #get(path, parameters) {
    const answer = await fetch(`${this.url}/api/v1/${path}?${new URLSearchParams(parameters)}`);
    const told = await answer.json();
    if (told.status !== 'success') {
      throw new Error(`Prometheus refuses ${parameters.query ?? path}: ${told.error}`);
    }
    return told.data;
  }
}

/** Answers what has been recorded, and nothing else. */
export class Recorded {
  constructor(recording) {
    this.now = recording.now;
    this.kept = recording;
  }

  async instant(query) {
    return this.#find('instant', query).map(([metric, text]) => ({ metric, value: [this.now, text] }));
  }

  async range(query, seconds, step) {
    const start = Math.floor((this.now - seconds) / step) * step;
    const end = Math.floor(this.now / step) * step;
    return this.#find('range', rangeKey(query, start, end, step)).map(([metric, text]) => ({
      metric,
      values: unfolded(text, start, step),
    }));
  }

  async labelValues(label, match) {
    return this.#find('labelValues', `${label} of ${match}`);
  }

  #find(kind, key) {
    const found = this.kept[kind][key];
    if (!found) {
      throw new Error(`not recorded: run \`make dashboard-recordings\`, for the dashboards now ask ${kind} ${key}`);
    }
    return found;
  }
}

function rangeKey(query, start, end, step) {
  return `${end - start} s by ${step} s: ${query}`;
}

/** Values of a range in one line: `1*3 _*2 0.5` is 1 three times, two gaps, and 0.5. Ten digits are enough to draw. */
function shortened(values, start, end, step) {
  const at = new Map(values);
  const runs = [];
  for (let moment = start; moment <= end; moment += step) {
    const text = at.has(moment) ? String(Number(Number(at.get(moment)).toPrecision(10))) : '_';
    const last = runs.at(-1);
    if (last?.text === text) {
      last.times += 1;
    } else {
      runs.push({ text, times: 1 });
    }
  }
  return runs.map(({ text, times }) => (times > 1 ? `${text}*${times}` : text)).join(' ');
}

function unfolded(line, start, step) {
  const values = [];
  let moment = start;
  for (const run of line.split(' ')) {
    const [text, times = '1'] = run.split('*');
    for (let n = 0; n < Number(times); n += 1, moment += step) {
      if (text !== '_') {
        values.push([moment, text]);
      }
    }
  }
  return values;
}

/** A recording as a file: one series a line, so that a change of one is a change of one line. */
export function fileOf({ now, looks }, { instant, range, labelValues }) {
  const vectors = (answers) =>
    Object.keys(answers)
      .sort()
      .map((query) => {
        const lines = answers[query].map((series) => JSON.stringify(series)).sort();
        return `${JSON.stringify(query)}: [${lines.length ? `\n${lines.join(',\n')}\n` : ''}]`;
      })
      .join(',\n');
  return `{"now": ${now},
"looks": ${JSON.stringify(looks)},
"labelValues": ${JSON.stringify(labelValues)},
"instant": {
${vectors(instant)}
},
"range": {
${vectors(range)}
}}
`;
}
