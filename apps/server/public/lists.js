import { element, table } from './dom.js';
import { bytes, time } from './format.js';

function empty(text) {
  return element('p', { class: 'muted' }, text);
}

/** All topics begin alike. */
function short(topic) {
  return topic.replace('clickstream-', '');
}

export function tablesTable(tables) {
  if (tables.length === 0) return empty('No tables yet: they come with the first commit.');
  return table(
    ['table', 'rows', 'files', 'size', 'version'],
    tables.map(({ name, rows, files, bytes: size, version }) => [name, rows, files, bytes(size), version]),
    ['size'],
  );
}

export function topicsTable(topics) {
  if (topics.length === 0) return empty('Nothing was collected yet.');
  return table(
    ['topic', 'partition', 'end', 'lag', 'size'],
    topics.map(({ topic, partition, endOffset, lag, bytes: size, corrupt }) => [
      corrupt.length === 0
        ? short(topic)
        : element('span', {}, short(topic), ' ', element('span', { class: 'tag' }, 'corrupt')),
      partition,
      endOffset,
      lag,
      bytes(size),
    ]),
    ['size'],
  );
}

export function jobsTable(jobs) {
  return table(
    ['job', 'schedule (UTC)', 'last run', 'outcome', 'what it did'],
    jobs.map(({ name, schedule, running, lastRun, failing }) => [
      failing === null
        ? name
        : element(
            'span',
            {},
            name,
            ' ',
            element('span', { class: 'tag', title: problemOf(failing) }, 'fails'),
          ),
      schedule,
      lastRun === null ? '–' : time(lastRun.startedAt),
      running ? 'running' : (lastRun?.outcome ?? '–'),
      element('span', { class: 'cell' }, lastRun?.error?.message ?? lastRun?.did ?? '–'),
    ]),
  );
}

/** A job that failed last time, in one sentence. */
export function problemOf({ job, since, error }) {
  return `${job} fails since ${time(since)}: ${error === null ? 'no reason is on record.' : `${error.message} ${error.hint}`}`;
}

export function deadLetterTable(deadLetters) {
  if (deadLetters.length === 0) return empty('No dead letters: every record so far was valid.');
  return table(
    ['received', 'reason', 'field', 'place', 'bytes'],
    deadLetters.map(({ received_at, reason, field, message, topic, partition, offset, raw }) => [
      time(received_at),
      element('span', { class: 'tag', title: message ?? '' }, reason),
      field ?? '–',
      `${short(topic)}/${partition}/${offset}`,
      element('code', { class: 'cell', title: raw.slice(0, 2000) }, raw.slice(0, 140)),
    ]),
  );
}
