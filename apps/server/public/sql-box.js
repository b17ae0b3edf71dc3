import { ApiFailure, postJson } from './api.js';
import { element, fill } from './dom.js';
import { count } from './format.js';

const maxRows = 500;

const examples = [
  [
    'What happens',
    'SELECT event_type, count(*) AS events, count(DISTINCT user_id) AS users\nFROM silver\nGROUP BY ALL\nORDER BY events DESC',
  ],
  [
    'Top products',
    "SELECT product_id,\n  count(*) FILTER (event_type = 'product_view') AS views,\n  count(*) FILTER (event_type = 'purchase') AS purchases\nFROM silver\nWHERE product_id IS NOT NULL AND NOT is_bot\nGROUP BY ALL\nORDER BY views DESC\nLIMIT 10",
  ],
  [
    'Newest events',
    'SELECT received_at, event_type, coalesce(user_id, anonymous_id) AS visitor, product_id, country\nFROM silver\nORDER BY received_at DESC\nLIMIT 20',
  ],
];

const numericType = /^(U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL)/;

/** The SQL box: one statement at a time, which can be cancelled. */
export function startSql() {
  const statement = document.getElementById('statement');
  const runButton = document.getElementById('run');
  const cancelButton = document.getElementById('cancel');
  let running;

  /** The box is as tall as what stands in it, within reason. */
  function fit() {
    statement.rows = Math.min(16, Math.max(4, statement.value.split('\n').length));
  }

  function write(sql) {
    statement.value = sql;
    fit();
  }

  write(examples[0][1]);
  statement.addEventListener('input', fit);
  for (const [title, sql] of examples) {
    const button = element('button', { type: 'button' }, title);
    button.addEventListener('click', () => {
      write(sql);
      run();
    });
    document.getElementById('examples').append(button);
  }

  async function run() {
    if (running !== undefined || statement.value.trim() === '') return;
    running = new AbortController();
    runButton.disabled = true;
    cancelButton.hidden = false;
    summary('Running…');
    try {
      showResult(await postJson('/api/sql', { sql: statement.value, maxRows }, running.signal));
    } catch (error) {
      showError(error, running.signal.aborted);
    } finally {
      running = undefined;
      runButton.disabled = false;
      cancelButton.hidden = true;
    }
  }

  document.getElementById('sql-form').addEventListener('submit', (event) => {
    event.preventDefault();
    run();
  });
  cancelButton.addEventListener('click', () => running?.abort());
  statement.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) run();
  });
}

function summary(text) {
  document.getElementById('sql-summary').textContent = text;
}

function showError(error, cancelled) {
  const place = document.getElementById('sql-error');
  document.getElementById('sql-result').hidden = true;
  place.hidden = cancelled;
  summary(cancelled ? 'Cancelled.' : '');
  if (cancelled) return;
  const hint = error instanceof ApiFailure ? error.hint : '';
  fill(place, element('p', { class: 'message' }, error.message), element('p', {}, hint));
}

function showResult({ columns, rows, rowCount, truncated, elapsedMs, pinned }) {
  document.getElementById('sql-error').hidden = true;
  const place = document.getElementById('sql-result');
  place.hidden = false;
  const time = `${Math.round(elapsedMs)} ms, Silver version ${count(pinned.silverVersion)} and the tail`;
  const cut = truncated
    ? `the first ${count(rowCount)} rows; there are more`
    : `${count(rowCount)} row${rowCount === 1 ? '' : 's'}`;
  summary(`${cut} · ${time}`);
  if (rowCount === 0) return fill(place, element('p', { class: 'muted' }, 'No rows.'));
  const numeric = columns.map(({ type }) => numericType.test(type));
  const head = columns.map(({ name, type }, index) =>
    element(
      'th',
      { scope: 'col', class: numeric[index] ? 'number' : '' },
      name,
      element('span', { class: 'type' }, type),
    ),
  );
  const body = rows.map((row) =>
    element('tr', {}, ...row.map((value, index) => cell(value, numeric[index]))),
  );
  fill(
    place,
    element('table', {}, element('thead', {}, element('tr', {}, ...head)), element('tbody', {}, ...body)),
  );
  return undefined;
}

function cell(value, isNumber) {
  if (value === null) return element('td', { class: isNumber ? 'null number' : 'null' }, 'null');
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  if (isNumber)
    return element(
      'td',
      { class: 'number' },
      typeof value === 'number' && Number.isInteger(value) ? count(value) : text,
    );
  return element('td', {}, element('span', { class: 'cell', title: text.slice(0, 2000) }, text));
}
