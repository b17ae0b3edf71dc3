// The console: a plain page over the admin API. Values of users become text nodes only, never HTML.
import { ApiFailure, getJson } from './api.js';
import { fill, setText } from './dom.js';
import { deadLetterTable, jobsTable, problemOf, tablesTable, topicsTable } from './lists.js';
import { showLive } from './live-view.js';
import { startSql } from './sql-box.js';

const notice = document.getElementById('notice');
const refreshMs = 5000;

function showNotice(text) {
  notice.textContent = text;
  notice.hidden = text === '';
}

/** The stream comes again by itself; only a lost login does not. */
function listen() {
  const stream = new EventSource('/api/live');
  stream.addEventListener('sample', (event) => {
    const sample = JSON.parse(event.data);
    delete document.body.dataset.stale;
    showNotice(problemsOf(sample).join(' '));
    showLive(sample);
  });
  stream.addEventListener('error', async () => {
    setPhase('connection lost', 'bad');
    document.body.dataset.stale = 'true';
    try {
      await getJson('/api/overview');
    } catch (error) {
      if (error instanceof ApiFailure && error.status === 401) {
        stream.close();
        showNotice('The login has expired. Run `npx clicklake open` for a fresh link.');
        return;
      }
      showNotice('clicklake does not answer. This page goes on by itself when it is back.');
    }
    if (stream.readyState === EventSource.CLOSED) setTimeout(listen, 2000);
  });
}

/** Everything that needs somebody's attention. */
function problemsOf({ problem, jobs }) {
  return [
    ...(problem === null ? [] : [`Ingest: ${problem.message} ${problem.hint}`]),
    ...(jobs?.failing ?? []).map((failing) => `Jobs: ${problemOf(failing)}`),
    ...(jobs?.recordProblem == null
      ? []
      : [`Jobs: ${jobs.recordProblem.message} ${jobs.recordProblem.hint}`]),
  ];
}

function setPhase(text, state) {
  const phase = document.getElementById('phase');
  phase.textContent = text;
  phase.dataset.state = state;
}

async function refresh(id, path, draw) {
  const place = document.getElementById(id);
  try {
    fill(place, draw(await getJson(path)));
  } catch (error) {
    // What was shown stays: an old list is better than none.
    if (place.querySelector('table') === null) setText(place, `Not available: ${error.message}`);
  }
}

async function refreshLists() {
  if (document.visibilityState === 'visible') {
    await Promise.all([
      refresh('tables', '/api/tables', ({ tables }) => tablesTable(tables)),
      refresh('topics', '/api/topics', ({ topics }) => topicsTable(topics)),
      refresh('jobs', '/api/jobs', ({ jobs }) => jobsTable(jobs)),
      refresh('dead-letters', '/api/dead-letters?limit=8', ({ deadLetters }) => deadLetterTable(deadLetters)),
    ]);
  }
  setTimeout(refreshLists, refreshMs);
}

async function showFacts() {
  try {
    const { version, home, collectorUrl } = await getJson('/api/overview');
    document.getElementById('version').textContent = version;
    document.getElementById('home').textContent = home;
    document.getElementById('collector').textContent =
      collectorUrl === null ? 'a collector of its own' : `${collectorUrl}/v1/events`;
  } catch {
    // The stream says what is wrong.
  }
}

showFacts();
startSql();
listen();
refreshLists();
