// What a dashboard shows as text, for golden files: one line a cell's row, so that a change is a line of a diff.

export function textOf({ title, offered, panels, marks, unknown }) {
  const lines = [`# ${title}`, ''];
  for (const [name, choices] of Object.entries(offered)) {
    lines.push(`variable ${name} offers ${choices.map(({ text, value }) => phrase(text, value)).join(', ') || 'nothing'}`);
  }
  for (const { name, on, said } of marks) {
    lines.push(`marks ${name}${on ? '' : ' (off)'}: ${said.join(', ') || 'none'}`);
  }
  if (unknown.length) {
    lines.push(`placeholders that nothing fills in: ${unknown.join(', ')}`);
  }
  for (const panel of panels) {
    lines.push('', `## ${panel.title} (${panel.type})`, ...bodyOf(panel));
  }
  return `${lines.join('\n')}\n`;
}

function phrase(text, value) {
  return text === value ? text : `${text} = ${value}`;
}

function bodyOf(panel) {
  if (panel.empty !== undefined) {
    return [panel.grid ? 'an empty grid' : `says: ${panel.empty}`];
  }
  if (panel.figures) {
    return panel.figures.map(colored);
  }
  return panel.rows ? tableLines(panel) : panel.series.map(seriesLine);
}

function tableLines({ columns, rows, room, taken }) {
  const titles = columns.map(({ title, align, width }) => `${title} [${[align, width ?? 'flexible'].join(' ')}]`);
  const links = columns.flatMap(({ title }, index) => {
    const link = rows.map((row) => row[index].link).find(Boolean);
    // One Grafana writes $ as it is, another as %24; the same to a browser.
    return link ? [`${title} leads to ${link.replaceAll('%24', '$')}`] : [];
  });
  return [
    `columns take ${taken} of ${room} px`,
    titles.join(' | '),
    ...rows.map((row) => row.map(colored).join(' | ')),
    ...links,
  ];
}

function colored({ text, color }) {
  return color && !['plain', 'transparent'].includes(color) ? `${text} {${color}}` : text;
}

function seriesLine({ name, color, least, most, last, states }) {
  if (states) {
    return `${name}: ${states.map(colored).join(' → ')}`;
  }
  return `${name} {${color}}: from ${least} to ${most}, at last ${last}`;
}
