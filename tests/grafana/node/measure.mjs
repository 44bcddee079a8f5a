// How long Grafana's own code takes to make a table of so many rows, while all but two of its queries are empty:
//
//   GRAFANA_LIBRARIES=$(./install.sh) node measure.mjs ../../../grafana/aws-vpn-fleet.json "All connections" 5000

import fs from 'node:fs';

import { framesOf } from './frames.mjs';
import { load } from './libraries.mjs';
import { Panels } from './panels.mjs';
import { panelsOf } from './shown.mjs';
import { Variables } from './variables.mjs';

const TIMES = 5;
const [file, title, rows] = process.argv.slice(2);
const panels = new Panels(load(process.env.GRAFANA ?? '13', process.env.GRAFANA_LIBRARIES));
const panel = panelsOf(JSON.parse(fs.readFileSync(file, 'utf8'))).find((one) => one.title === title);
const labels = /^max by \((.*)\)/.exec(panel.targets.at(-1).expr)[1].split(', ');
const vector = (names) =>
  [...Array(Number(rows)).keys()].map((n) => ({
    metric: Object.fromEntries(names.map((name) => [name, `${name} ${n}`])),
    value: [0, '1'],
  }));
const answers = panel.targets.map((_, index) =>
  index === 0 ? vector(labels.slice(0, 1)) : index === panel.targets.length - 1 ? vector(labels) : [],
);

/** The least of several times, in milliseconds of the processor: others on the machine do not count. */
async function least(work) {
  let best = Infinity;
  for (let n = 0; n < TIMES; n += 1) {
    const before = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(before);
    best = Math.min(best, (user + system) / 1000);
  }
  return best.toFixed(0);
}

let shaped;
const table = await least(async () => {
  const frames = panel.targets.flatMap((target, index) => framesOf(target, answers[index], true, 0));
  shaped = await panels.shape(panel, frames, new Variables('24h'));
});
const cells = await least(() => shaped.data[0].fields.forEach((field) => field.values.forEach((one) => field.display(one))));
console.log(`${title}: a table of ${rows} rows in ${table} ms; the text of every cell in it, seen or not, in ${cells} ms`);
