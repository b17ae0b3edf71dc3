import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { localStore } from '@clicklake/delta-lake';
import { noCrashPoints, nodeFileSystem } from '@clicklake/durable-files';
import { openEmbeddedLog } from '@clicklake/event-log';
import { lakePaths, openLakeReader, type LakeReader } from '@clicklake/pipeline';
import { openQueryEngine, type QueryEngine } from '@clicklake/query';
import { median, rounded, type Benchmark } from '../benchmark.ts';
import { dashboardQueries, type DashboardQuery } from '../queries/dashboard-queries.ts';
import { eventLogFixture } from '../support/event-log-fixture.ts';
import { runIngest } from '../support/ingest-run.ts';

const bar = 1;

interface Answer {
  readonly ms: number;
  readonly rows: readonly (readonly string[])[];
}

type Ask = (query: DashboardQuery, round: number) => Promise<Answer>;

interface Timed {
  readonly name: string;
  readonly ms: number;
  readonly chdbMs: number;
}

export const queriesBenchmark: Benchmark = {
  name: 'queries',
  description: 'ten dashboard queries on 10 M events, against chdb on the same files (bar: no slower)',
  async run({ short, say }) {
    const python = process.env.PYTHON;
    if (python === undefined)
      throw new Error('Set PYTHON to a Python that has chdb (.ci/requirements.txt says which).');
    const fixture = await eventLogFixture(short ? 100_000 : 10_000_000, say);
    say('ingest of the fixture');
    await runIngest(fixture.home);
    const paths = lakePaths(fixture.home);
    await using opened = new AsyncDisposableStack();
    const reader = opened.adopt(await openReader(fixture.home), (own) => own.close());
    const engine = opened.adopt(
      await openQueryEngine({ readableDirectories: [paths.lake], tempDirectory: `${paths.scratch}-query` }),
      (own) => own.close(),
    );
    const chdb = startChdb(python, paths.tables.silver);
    opened.defer(() => chdb.stop());
    const timed: Timed[] = [];
    for (const query of dashboardQueries) {
      timed.push(await alternate(query, ourSide(engine, reader), chdb.ask, short ? 1 : 5));
      const { name, ms, chdbMs } = timed.at(-1) ?? { name: '', ms: 0, chdbMs: 0 };
      say(`${name}: ${rounded(ms, 0)} ms, chdb ${rounded(chdbMs, 0)} ms`);
    }
    const ours = median(timed.map(({ ms }) => ms));
    const theirs = median(timed.map(({ chdbMs }) => chdbMs));
    return {
      name: 'queries',
      value: rounded(theirs / ours),
      bar,
      pass: theirs / ours >= bar,
      detail: {
        unit: 'speed relative to chdb, medians over ten queries',
        events: fixture.events,
        medianMs: rounded(ours, 1),
        chdbMedianMs: rounded(theirs, 1),
        queries: timed.map(({ name, ms, chdbMs }) => ({
          name,
          ms: rounded(ms, 1),
          chdbMs: rounded(chdbMs, 1),
        })),
      },
    };
  },
};

/** One warm-up of each side, whose answers must agree, then alternating runs; medians. */
async function alternate(query: DashboardQuery, ours: Ask, chdb: Ask, runs: number): Promise<Timed> {
  const [first, second] = [await ours(query, 0), await chdb(query, 0)];
  if (JSON.stringify(first.rows) !== JSON.stringify(second.rows))
    throw new Error(
      `The two sides answer "${query.name}" differently: ${JSON.stringify([first.rows, second.rows])}`,
    );
  const times: { readonly ms: number; readonly chdbMs: number }[] = [];
  for (let run = 1; run <= runs; run += 1) {
    const { ms } = await ours(query, run);
    times.push({ ms, chdbMs: (await chdb(query, run)).ms });
  }
  return {
    name: query.name,
    ms: median(times.map(({ ms }) => ms)),
    chdbMs: median(times.map(({ chdbMs }) => chdbMs)),
  };
}

function ourSide(engine: QueryEngine, reader: LakeReader): Ask {
  return async ({ sql }, round) => {
    const startedAt = performance.now();
    // The engine knows a statement by its text and would answer a second time from memory.
    const { rows } = await engine.run(`${sql} -- ${round}`, () => reader.pin());
    return { ms: performance.now() - startedAt, rows: rows.map((row) => row.map(asText)) };
  };
}

/** Both sides' values as one spelling: timestamps without zone and fraction. */
function asText(value: unknown): string {
  return String(value)
    .replace('T', ' ')
    .replace(/(\.0+)?(Z|\+00)$/, '');
}

async function openReader(home: string): Promise<LakeReader> {
  const paths = lakePaths(home);
  const reader = await openLakeReader({
    paths,
    files: nodeFileSystem,
    openStore: localStore,
    crashPoints: noCrashPoints,
    log: openEmbeddedLog({ directory: paths.log }),
    clock: Date.now,
    memoryLimitMb: 256,
  });
  if (reader === undefined) throw new Error('The fixture has no lake.');
  return reader;
}

function startChdb(python: string, directory: string): { readonly ask: Ask; stop(): Promise<void> } {
  const program = join(import.meta.dirname, '../queries/chdb_queries.py');
  const child = spawn(python, [program, directory], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const exited = once(child, 'exit');
  return {
    async ask({ sql, clickhouse }) {
      child.stdin.write(`${JSON.stringify(clickhouse ?? sql)}\n`);
      const line = await lines.next();
      if (line.done === true) throw new Error('chdb ended without an answer.');
      const answer = JSON.parse(line.value) as Answer;
      return { ...answer, rows: answer.rows.map((row) => row.map(asText)) };
    },
    async stop() {
      child.stdin.end();
      await exited;
    },
  };
}
