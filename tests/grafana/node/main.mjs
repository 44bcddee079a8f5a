// The dashboards through Grafana's own library, as a command:
//
//   node main.mjs record LOOKS PROMETHEUS BOARD...   prints a recording of every answer that the boards ask for
//   node main.mjs show LOOKS SOURCE BOARD...         prints as JSON what they show; SOURCE is a recording or a Prometheus
//
// LOOKS is JSON: by the board's uid, how it is looked at (`span`, `choose`); a recording knows its own. The environment
// variable GRAFANA_LIBRARIES names the folder that install.sh prints, GRAFANA the version: 13 (unless told) or 10.

import fs from 'node:fs';
import { fileOf, Live, Recorded } from './asking.mjs';
import { load } from './libraries.mjs';
import { Panels } from './panels.mjs';
import { dashboardShown } from './shown.mjs';
import { textOf } from './text.mjs';

async function main([command, looksText, source, ...files]) {
  const panels = new Panels(load(process.env.GRAFANA ?? '13', process.env.GRAFANA_LIBRARIES));
  const live = /^https?:/.test(source);
  const ask = live ? new Live(source) : new Recorded(JSON.parse(fs.readFileSync(source, 'utf8')));
  const looks = live ? JSON.parse(looksText) : ask.kept.looks;
  // Units such as "3 hours ago" ask for the time.
  Date.now = () => ask.now * 1000;
  const shown = [];
  for (const file of files) {
    const board = JSON.parse(fs.readFileSync(file, 'utf8'));
    const one = await dashboardShown(panels, board, looks[board.uid] ?? { span: '24h' }, ask);
    shown.push({ ...one, text: textOf(one) });
  }
  return command === 'record' ? fileOf({ now: ask.now, looks }, ask.kept) : JSON.stringify(shown);
}

process.stdout.write(await main(process.argv.slice(2)));
