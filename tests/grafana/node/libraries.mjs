// Loads @grafana/data of one Grafana into Node, which takes some help: the libraries expect a browser.

import { createRequire } from 'node:module';
import path from 'node:path';

/** @param version the major version, 13 or 10; @param folder where `install.sh` has put the packages */
export function load(version, folder) {
  if (!folder) {
    throw new Error('GRAFANA_LIBRARIES names no folder: set it to what install.sh prints');
  }
  const require = createRequire(path.join(folder, 'package.json'));
  if (version === '10') {
    const { JSDOM } = require('jsdom');
    const { window } = new JSDOM('', { url: 'http://localhost:3000/' });
    Object.defineProperty(globalThis, 'navigator', { value: window.navigator, configurable: true });
    Object.assign(globalThis, { window, document: window.document });
  } else {
    globalThis.navigator ??= { language: 'en-GB', languages: ['en-GB'] };
  }
  const { grafana, firstValueFrom } = require(`./grafana-${version}.cjs`);
  // Only now: where there is a window while 13 is loaded, it takes this for a browser.
  globalThis.window ??= { location: new URL('http://localhost:3000/') };
  grafana.locationUtil.initialize({
    config: { appSubUrl: '', disableSanitizeHtml: false },
    getVariablesUrlParams: () => ({}),
    getTimeRangeForUrl: () => ({ from: 'now-24h', to: 'now' }),
  });
  return { grafana, firstValueFrom, lazy: version === '13' };
}
