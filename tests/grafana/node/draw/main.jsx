// Draws one dashboard with Grafana's own components, from recorded answers.

import '@fontsource/inter/latin-400.css';
import '@fontsource/inter/latin-500.css';
import * as grafana from '@grafana/data';
import { BigValue, ErrorBoundary, GlobalStyles, PanelChrome, TimeSeries, VizRepeater } from '@grafana/ui';
import { TableNG } from '@grafana/ui/unstable';
import { flushSync } from 'react-dom';
import { createRoot } from 'react-dom/client';
import { firstValueFrom } from 'rxjs';

import { Recorded } from '../asking.mjs';
import { boxOf, PAGE_WIDTH, Panels } from '../panels.mjs';
import { secondsOf } from '../variables.mjs';
import { StateTimeline } from './timeline.jsx';

const TOP = 52;
const { board, recording, mode } = window.STAGE;
const look = recording.looks[board.uid];
const to = recording.now * 1000;
const from = to - secondsOf(look.span) * 1000;
const timeRange = {
  from: grafana.dateTime(from),
  to: grafana.dateTime(to),
  raw: { from: `now-${look.span}`, to: 'now' },
};
const panels = new Panels({ grafana, firstValueFrom, lazy: true }, mode);
const { theme } = panels;

function Stat({ panel, prepared, width, height }) {
  const { orientation, colorMode, graphMode, justifyMode, textMode } = panel.options;
  return (
    <VizRepeater
      getValues={() => panels.figures(panel, prepared)}
      getAlignmentFactors={grafana.getDisplayValueAlignmentFactors}
      source={prepared.data}
      width={width}
      height={height}
      orientation={orientation}
      autoGrid
      renderValue={({ value, width, height, count }) => (
        <BigValue
          value={value.display}
          {...{ count, width, height, theme, colorMode, graphMode, justifyMode, textMode }}
        />
      )}
    />
  );
}

function Table({ panel, prepared: { data, fieldConfig }, width, height }) {
  const { sortBy, cellHeight, showHeader } = panel.options;
  return (
    <TableNG
      data={data[0]}
      noHeader={showHeader === false}
      noValue={fieldConfig.defaults.noValue}
      structureRev={1}
      {...{ width, height, sortBy, cellHeight, fieldConfig, timeRange }}
    />
  );
}

function Lines({ panel: { options }, prepared: { data }, width, height }) {
  return (
    <TimeSeries frames={data} timeZone="utc" legend={options.legend} {...{ width, height, timeRange, options }} />
  );
}

function States({ prepared: { data, step }, width, height }) {
  return <StateTimeline {...{ data, step, width, height, from, to, theme }} />;
}

const DRAWN = { stat: Stat, table: Table, timeseries: Lines, 'state-timeline': States };

function Nothing({ prepared: { fieldConfig }, width, height }) {
  const style = {
    width,
    height,
    display: 'flex',
    alignItems: 'center',
    justifyContent: 'center',
    textAlign: 'center',
    padding: 8,
    color: theme.colors.text.secondary,
  };
  return <div style={style}>{fieldConfig.defaults.noValue ?? 'No data'}</div>;
}

function Placed({ panel, prepared, variables }) {
  const box = boxOf(panel.gridPos);
  const place = { ...box, position: 'absolute', top: box.top + TOP };
  if (panel.type === 'row') {
    return <div style={{ ...place, fontSize: 16, paddingTop: 6 }}>{`${panel.collapsed ? '›' : '⌄'} ${panel.title}`}</div>;
  }
  const Draw = prepared.empty ? Nothing : DRAWN[panel.type];
  const notice = panel.type === 'state-timeline' ? ' (bars imitated: Grafana does not publish this panel)' : '';
  return (
    <div style={place} data-panel={panel.title}>
      <PanelChrome
        title={variables.replacer(() => undefined)(panel.title) + notice}
        description={panel.description}
        width={box.width}
        height={box.height}
        padding={panel.type === 'table' && !prepared.empty ? 'none' : 'md'}
      >
        {(width, height) => (
          <ErrorBoundary>
            {({ error }) =>
              error ? <pre>{String(error.stack ?? error)}</pre> : <Draw {...{ panel, prepared, width, height }} />
            }
          </ErrorBoundary>
        )}
      </PanelChrome>
    </div>
  );
}

function Heading({ variables }) {
  const shown = board.templating.list.filter(({ hide, type }) => !hide && type === 'query');
  const chips = shown.map(({ name, label }) => `${label}: ${variables.chosen[name].text}`);
  const chip = { border: `1px solid ${theme.colors.border.medium}`, borderRadius: 2, padding: '4px 8px' };
  return (
    <header style={{ position: 'absolute', left: 12, right: 12, top: 8, height: 36, display: 'flex', gap: 8, alignItems: 'center' }}>
      <h1 style={{ fontSize: 19, margin: 0, marginRight: 'auto' }}>{board.title}</h1>
      {[...chips, `Last ${look.span}`].map((text) => (
        <span key={text} style={chip}>
          {text}
        </span>
      ))}
    </header>
  );
}

/** What does not fit: cut headers and cells, and tables that have to be scrolled sideways. */
function cutOff() {
  const found = [];
  for (const place of document.querySelectorAll('[data-panel]')) {
    const { panel } = place.dataset;
    for (const grid of place.querySelectorAll('[role=grid]')) {
      if (grid.scrollWidth > grid.clientWidth + 1) {
        found.push({ panel, what: 'wider than its panel', text: `${grid.scrollWidth} of ${grid.clientWidth} px` });
      }
    }
    for (const title of place.querySelectorAll('h2, h6')) {
      if (title.scrollWidth > title.clientWidth + 1) {
        found.push({ panel, what: 'title', text: title.textContent });
      }
    }
    for (const cell of place.querySelectorAll('[role=columnheader], [role=gridcell]')) {
      if (cell.textContent.trim() && spills(cell)) {
        found.push({ panel, what: cell.getAttribute('role'), text: cell.textContent });
      }
    }
  }
  return found;
}

/** Whether a cell's words or icons lie outside of it, on either side. */
function spills(cell) {
  const room = cell.getBoundingClientRect();
  const range = document.createRange();
  range.selectNodeContents(cell);
  const needed = range.getBoundingClientRect();
  const words = [...cell.querySelectorAll('button, a, span, div')].some(
    (element) => element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 0,
  );
  return words || needed.left < room.left - 1 || needed.right > room.right + 1;
}

async function draw() {
  const ask = new Recorded(recording);
  const { variables } = await panels.choose(board, look, ask);
  const prepared = {};
  for (const panel of board.panels.filter((one) => panels.knows(one))) {
    prepared[panel.id] = await panels.prepare(panel, variables, ask);
  }
  await Promise.all(['400 14px Inter', '500 14px Inter'].map((font) => document.fonts.load(font)));
  document.body.style.cssText = `margin: 0; width: ${PAGE_WIDTH}px; background: ${theme.colors.background.canvas}`;
  flushSync(() =>
    createRoot(document.getElementById('root')).render(
      <grafana.ThemeContext.Provider value={theme}>
        <GlobalStyles isExtensionSidebarOpen={false} />
        <Heading variables={variables} />
        {board.panels.map((panel) => (
          <Placed key={panel.id} panel={panel} prepared={prepared[panel.id]} variables={variables} />
        ))}
      </grafana.ThemeContext.Provider>,
    ),
  );
  // Tables measure themselves and are laid out in a second round.
  await new Promise((done) => setTimeout(done, 1500));
  await fetch('/report', { method: 'POST', body: JSON.stringify({ cut: cutOff() }) });
}

draw().catch((error) => fetch('/report', { method: 'POST', body: JSON.stringify({ error: String(error.stack ?? error) }) }));
