// Builds the page that draws a dashboard: node build.mjs LIBRARIES OUT. The sources lie here, the packages in LIBRARIES.

import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const [libraries, out] = process.argv.slice(2);
const here = path.dirname(fileURLToPath(import.meta.url));
const packages = path.join(libraries, 'node_modules');
const { build } = createRequire(path.join(libraries, 'package.json'))('esbuild');

await build({
  entryPoints: [path.join(here, 'main.jsx')],
  outdir: out,
  bundle: true,
  splitting: true,
  format: 'esm',
  target: 'es2022',
  jsx: 'automatic',
  nodePaths: [packages],
  loader: { '.woff': 'file', '.woff2': 'file', '.ttf': 'empty', '.svg': 'dataurl' },
  define: { 'process.env.NODE_ENV': '"production"', global: 'globalThis' },
  logLevel: 'error',
});
for (const file of ['index.html', 'clock.js']) {
  fs.copyFileSync(path.join(here, file), path.join(out, file));
}
// Grafana loads its icons by address.
fs.cpSync(path.join(packages, '@grafana/ui/dist/public/img/icons'), path.join(out, 'public/build/img/icons'), {
  recursive: true,
});
