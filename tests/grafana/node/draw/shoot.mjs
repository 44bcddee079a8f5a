// Has Chromium draw dashboards: node shoot.mjs PAGE CHROMIUM RECORDING MODE OUT BOARD... MODE is dark or light. Writes
// OUT/UID.png, and prints as JSON what each page says does not fit.

import { spawn } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';

import { boxOf, PAGE_WIDTH } from '../panels.mjs';

const TYPES = { '.js': 'text/javascript', '.html': 'text/html', '.svg': 'image/svg+xml', '.css': 'text/css', '.woff2': 'font/woff2' };
const FLAGS = `--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
--disable-component-update --disable-sync --disable-extensions --hide-scrollbars --disable-lcd-text
--font-render-hinting=none --virtual-time-budget=8000`.split(/\s+/);
const HEADER = 60;

const [page, chromium, recordingFile, mode, out, ...files] = process.argv.slice(2);
const recording = JSON.parse(fs.readFileSync(recordingFile, 'utf8'));
let stage;
let report;

const server = http.createServer((request, response) => {
  const { pathname } = new URL(request.url, 'http://localhost');
  if (pathname === '/report') {
    let body = '';
    request.on('data', (part) => (body += part));
    request.on('end', () => {
      report = JSON.parse(body);
      response.end();
    });
  } else if (pathname === '/stage.js') {
    response.setHeader('content-type', 'text/javascript');
    response.end(`window.STAGE = ${JSON.stringify(stage)};`);
  } else {
    serveFile(pathname === '/' ? '/index.html' : decodeURIComponent(pathname), response);
  }
});

function serveFile(name, response) {
  try {
    const content = fs.readFileSync(path.join(page, path.normalize(name)));
    response.setHeader('content-type', TYPES[path.extname(name)] ?? 'application/octet-stream');
    response.end(content);
  } catch {
    response.writeHead(404).end();
  }
}

async function shoot(board) {
  stage = { board, recording, mode };
  report = undefined;
  const rows = Math.max(...board.panels.map(({ gridPos }) => boxOf(gridPos).top + boxOf(gridPos).height));
  const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'chromium-'));
  const browser = spawn(
    chromium,
    [
      ...FLAGS,
      `--user-data-dir=${profile}`,
      `--window-size=${PAGE_WIDTH},${rows + HEADER}`,
      `--screenshot=${path.join(out, `${board.uid}.png`)}`,
      `http://127.0.0.1:${server.address().port}/`,
    ],
    { stdio: 'ignore', timeout: 100_000 },
  );
  await new Promise((done) => browser.once('exit', done));
  fs.rmSync(profile, { recursive: true, force: true });
  return report ?? { error: `${board.uid}: the page reported nothing` };
}

await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
const reports = {};
for (const file of files) {
  const board = JSON.parse(fs.readFileSync(file, 'utf8'));
  reports[board.uid] = await shoot(board);
}
server.close();
process.stdout.write(JSON.stringify(reports));
