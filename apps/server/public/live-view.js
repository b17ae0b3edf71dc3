import { element, fill } from './dom.js';
import { ago, bytes, count, duration, rate } from './format.js';
import { drawSparkline } from './sparkline.js';

const shown = 120;
const rates = [];

const places = [
  ['silver', 'Silver'],
  ['dead_letters', 'Dead letters'],
  ['duplicates', 'Duplicates'],
  ['in_flight', 'In flight'],
  ['unreadable', 'Unreadable'],
  ['removed', 'Removed'],
];
/** These are shown only when there is something to show. */
const rare = new Set(['unreadable', 'removed']);

const phaseStates = { running: 'good', idle: 'good', stalled: 'warn', failed: 'bad', stopped: 'warn' };

/** Shows one sample of the live stream. */
export function showLive(sample) {
  const set = (id, text) => (document.getElementById(id).textContent = text);
  const now = sample.acceptedPerSecond + sample.rejectedPerSecond;
  // The first sample has none before it to be a rate against: no dip at the start of the line.
  if (rates.length > 0 || now > 0) rates.push(now);
  if (rates.length > shown) rates.shift();
  const peak = drawSparkline(document.getElementById('spark'), rates, shown);

  const phase = document.getElementById('phase');
  phase.textContent = sample.phase ?? 'reading only';
  phase.dataset.state = phaseStates[sample.phase] ?? 'warn';
  phase.title = sample.problem === null ? '' : `${sample.problem.message} ${sample.problem.hint}`;

  set('rate', rate(now));
  set('rejected-rate', rate(sample.rejectedPerSecond));
  set('spark-peak', peak > 0 ? `peak ${rate(peak)}` : '');
  set('tail', `${count(sample.tailRows)} rows`);
  set('lag', `${count(sample.lag)} records`);
  set('commit', sample.lastCommit === null ? 'none yet' : ago(sample.lastCommit.at, sample.at));
  set('gold', goldText(sample.jobs));
  set('silver-version', sample.silverVersion === null ? '–' : count(sample.silverVersion));
  set('uptime', duration(sample.uptimeSeconds));
  set('memory', bytes(sample.residentBytes));
  if (sample.ledger !== null) showLedger(sample.ledger);
}

/** How far Gold is behind Silver. */
function goldText(jobs) {
  if (jobs === null) return '–';
  const { behindMs } = jobs.gold;
  return behindMs === 0 ? 'up to date' : `${duration(Math.ceil(behindMs / 1000))} behind`;
}

function showLedger(ledger) {
  document.getElementById('flow-appended').textContent = count(ledger.appended);
  const visible = places.filter(([name]) => !rare.has(name) || ledger[name] > 0);
  fill(
    document.getElementById('flow-targets'),
    ...visible.map(([name, title]) => target(name, title, ledger)),
  );

  const verdict = document.getElementById('verdict');
  verdict.textContent = ledger.balanced
    ? 'balanced'
    : `not balanced: ${count(Math.abs(ledger.difference))} ${ledger.difference > 0 ? 'missing' : 'too many'}`;
  verdict.dataset.state = ledger.balanced ? 'good' : 'bad';
  const terms = visible.map(([name, title]) => `${count(ledger[name])} ${title.toLowerCase()}`).join(' + ');
  document.getElementById('equation').textContent =
    ledger.appended === 0
      ? 'Nothing was collected yet. Some shoppers: npx clicklake produce --events 1000'
      : `${count(ledger.appended)} appended ${ledger.balanced ? '=' : '≠'} ${terms}`;
}

function target(name, title, ledger) {
  const bar = element('span');
  const share = ledger.appended === 0 ? 0 : ledger[name] / ledger.appended;
  // One record among millions is still to be seen.
  bar.style.width = ledger[name] === 0 ? '0' : `max(3px, ${(share * 100).toFixed(2)}%)`;
  return element(
    'li',
    {},
    element('span', {}, title),
    element('span', { class: 'bar', 'data-kind': name }, bar),
    element('span', { class: 'count' }, count(ledger[name])),
  );
}
