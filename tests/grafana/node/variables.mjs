// The variables of a dashboard: what each offers, what is chosen, and texts with the choice filled in.

const PLACEHOLDER = /\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)((?:\.\w+|\[\d+\])*)(?::(\w+))?\})/g;
const PROMETHEUS = 'prometheus';

/** What the links of one dashboard and the queries of its panels may name. */
export class Variables {
  constructor(span) {
    this.span = span;
    this.chosen = { __range: { value: `${secondsOf(span)}s` }, __range_s: { value: `${secondsOf(span)}` } };
    this.unknown = new Set();
  }

  /** The same with the two intervals that depend on a panel's width. */
  at(interval, rateInterval) {
    const copy = Object.assign(Object.create(Variables.prototype), this);
    copy.chosen = {
      ...this.chosen,
      __interval: { value: `${interval}s` },
      __rate_interval: { value: `${rateInterval}s` },
    };
    return copy;
  }

  /** Fills in a query. An unknown variable is an error: Grafana would send it as it stands. */
  query(text) {
    // $1 and the like belong to label_replace.
    return text.replace(PLACEHOLDER, (all, short, long) => {
      const found = this.chosen[short ?? long];
      if (!found) {
        throw new Error(`${all} is no variable, in ${text}`);
      }
      return found.value;
    });
  }

  /** What Grafana's own code calls to fill in titles and links; `dataOf` reads the row that a link belongs to. */
  replacer(dataOf) {
    return (text, scoped, format) =>
      String(text).replace(PLACEHOLDER, (all, short, long, path = '', ownFormat) => {
        const name = short ?? long;
        const encode = (value) => ((ownFormat ?? format) === 'uriencode' ? encodeURIComponent(value) : String(value));
        const found = name.startsWith('__') ? dataOf(name, path, scoped?.__dataContext?.value) : undefined;
        if (found !== undefined) {
          return encode(found);
        }
        if (name === '__url_time_range') {
          return `from=now-${this.span}&to=now`;
        }
        const chosen = this.chosen[name];
        if (!chosen) {
          this.unknown.add(all);
          return all;
        }
        if (ownFormat === 'queryparam') {
          return `var-${name}=${encodeURIComponent(chosen.all ? '$__all' : chosen.value)}`;
        }
        return encode(chosen.value);
      });
  }
}

/** Seconds in a span such as 24h. */
export function secondsOf(span) {
  return parseFloat(span) * { m: 60, h: 3600, d: 86400 }[span.at(-1)];
}

/**
 * Asks for what each variable offers and chooses: all where that can be chosen, else what begins with the text in
 * `look.choose`, else the first.
 *
 * @returns the variables, and per name what the list offers
 */
export async function chooseVariables(board, look, ask, regexOf) {
  const variables = new Variables(look.span);
  const offered = {};
  for (const one of board.templating.list) {
    if (one.type === 'query') {
      offered[one.name] = await offersOf(one, variables, look, ask, regexOf);
    }
    variables.chosen[one.name] = choiceOf(one, offered[one.name], look);
  }
  return { variables, offered };
}

function choiceOf(one, offered, look) {
  const wanted = look.choose?.[one.name];
  if (one.type === 'datasource') {
    return { value: one.query === PROMETHEUS ? PROMETHEUS : '' };
  }
  if (one.type !== 'query') {
    return { value: wanted ?? one.current?.value ?? one.query ?? '' };
  }
  if (one.allValue && !wanted) {
    return { value: one.allValue, text: 'All', all: true };
  }
  const found = wanted ? offered.find(({ text }) => text.startsWith(wanted)) : offered[0];
  if (wanted && !found) {
    throw new Error(`${one.name} offers nothing that begins with ${wanted}`);
  }
  return found ?? { value: '', text: '' };
}

async function offersOf(one, variables, look, ask, regexOf) {
  const query = variables.query(typeof one.query === 'string' ? one.query : one.query.query);
  const byLabel = /^label_values\((.*),\s*(\w+)\)$/s.exec(query);
  let texts;
  if (byLabel) {
    texts = await ask.labelValues(byLabel[2], byLabel[1], secondsOf(look.span));
  } else {
    const [, inner] = /^query_result\((.*)\)$/s.exec(query);
    texts = (await ask.instant(inner)).map(asText);
  }
  const pattern = one.regex ? regexOf(one.regex) : undefined;
  const found = texts.map((text) => (pattern ? pattern.exec(text)?.groups : { text, value: text })).filter(Boolean);
  const unique = [...new Map(found.map(({ text, value }) => [value, { text, value }])).values()];
  return unique.sort((a, b) => a.text.localeCompare(b.text, 'en', { sensitivity: 'base' }));
}

function asText({ metric, value }) {
  const { __name__: name = '', ...labels } = metric;
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${text}"`);
  return `${name}{${pairs.join(',')}} ${value[1]} ${value[0] * 1000}`;
}
