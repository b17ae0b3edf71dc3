/** An element with attributes and children; text children become text nodes, so that data is never HTML. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

export function fill(place, ...children) {
  place.replaceChildren(...children);
}

export function setText(place, text) {
  fill(place, element('p', { class: 'muted' }, text));
}

/** Rows of cells as a table; a cell is text, a number, or an element. Numbers stand at the right, as do `measures`. */
export function table(header, rows, measures = []) {
  const numeric = header.map(
    (name, column) => measures.includes(name) || rows.every((row) => typeof row[column] === 'number'),
  );
  const classOf = (column) => (numeric[column] ? { class: 'number' } : {});
  const head = header.map((name, column) => element('th', { scope: 'col', ...classOf(column) }, name));
  const body = rows.map((row) =>
    element('tr', {}, ...row.map((cell, column) => element('td', classOf(column), show(cell)))),
  );
  return element(
    'table',
    {},
    element('thead', {}, element('tr', {}, ...head)),
    element('tbody', {}, ...body),
  );
}

function show(cell) {
  return typeof cell === 'number' ? cell.toLocaleString('en-US') : cell;
}
