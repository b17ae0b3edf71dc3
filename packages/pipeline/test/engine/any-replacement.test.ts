import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { quoteLiteral } from '@clicklake/delta-lake';
import { integerBelow, seededRandom } from '@clicklake/durable-files/testing';
import type { EngineSession } from '@clicklake/pipeline';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createDuckdbHarness } from './duckdb-harness.ts';

/* Replacing rows by key, against a list of rows from which those with a key are taken and to which new ones are added. */

const days = ['2026-01-01', '2026-01-02', '2026-01-03'] as const;
const table = {
  name: 'rows',
  description: '',
  columns: [
    { name: 'day', type: 'date', description: '' },
    { name: 'id', type: 'bigint', description: '' },
    { name: 'moment', type: 'timestamp with time zone', description: '' },
    { name: 'text', type: 'varchar', description: '' },
  ],
  dateColumn: 'day',
} as const;

interface Row {
  readonly day: string;
  readonly id: number | null;
  /** Milliseconds since the epoch. */
  readonly moment: number | null;
  readonly text: string;
}
type KeyColumn = 'day' | 'id' | 'moment';

/** From none over some small files' worth to more than a full file holds. */
const rowsOfDay = fc.constantFrom(0, 40, 3_000, 9_000, 14_000);
const chosen = fc.oneof(
  fc.record({ way: fc.constant('few' as const), number: fc.integer({ min: 1, max: 6 }) }),
  fc.record({ way: fc.constant('newest' as const), number: fc.integer({ min: 1, max: 800 }) }),
  fc.record({ way: fc.constant('spread' as const), number: fc.integer({ min: 10, max: 900 }) }),
  fc.constantFrom({ way: 'all' as const, number: 0 }, { way: 'none' as const, number: 0 }),
);
const replacement = fc.record({
  dates: fc.subarray([...days], { minLength: 1 }),
  columns: fc.constantFrom<readonly KeyColumn[]>(['id'], ['day', 'id'], ['id', 'moment'], ['moment']),
  chosen,
  /** Keys that no row has, and keys with a null in place of each column: these are no row's either. */
  strangers: fc.integer({ min: 0, max: 40 }),
  withNulls: fc.boolean(),
  again: fc.boolean(),
  fresh: fc.constantFrom(0, 0, 1, 7, 60, 2_500),
  seed: fc.integer(),
});
type Replacement = typeof replacement extends fc.Arbitrary<infer Drawn> ? Drawn : never;

/** Some ids and moments occur more than once, some are missing. */
function makeRows(day: string, count: number, text: string, seed: number): readonly Row[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, (_, index) => ({
    day,
    id: random() < 0.01 ? null : integerBelow(random, 40_000),
    moment: random() < 0.01 ? null : Date.parse(day) + integerBelow(random, 43_200) * 2_000,
    text: `${text} ${index}`,
  }));
}

/** Undefined: a key with a null is equal to none. */
function keyOf(columns: readonly KeyColumn[], row: Partial<Row>): string | undefined {
  const values = columns.map((column) => row[column] ?? null);
  return values.includes(null) ? undefined : JSON.stringify(values);
}

function rowsOfKeys({ chosen: { way, number }, seed }: Replacement, ofDates: readonly Row[]): readonly Row[] {
  const random = seededRandom(seed);
  switch (way) {
    case 'few':
      return Array.from({ length: number }, () => ofDates[integerBelow(random, ofDates.length)]).flatMap(
        (row) => row ?? [],
      );
    case 'newest':
      return ofDates.toSorted((a, b) => (b.moment ?? 0) - (a.moment ?? 0)).slice(0, number);
    case 'spread':
      return ofDates.filter((_, index) => index % number === 0);
    case 'all':
      return ofDates;
    case 'none':
      return [];
  }
}

test('rows with a key are replaced, all others are there once, whatever the dates, files and keys', async () => {
  const starts = fc.tuple(rowsOfDay, rowsOfDay, rowsOfDay);
  const replacements = fc.array(replacement, { minLength: 3, maxLength: 9 });
  await fc.assert(
    fc.asyncProperty(starts, replacements, async (counts, steps) => {
      const harness = await createDuckdbHarness({ memoryLimitMb: 160 });
      try {
        const session = await harness.engine.openSession([table]);
        const sql = rowsAsSql(harness.directory);
        const start = counts.flatMap((count, day) => makeRows(days[day] ?? '', count, 'start', day));
        await replace(session, { selects: [await sql(start)], dates: 'all' });
        let rows = start;
        for (const [number, step] of steps.entries()) {
          const ofDates = rows.filter(({ day }) => step.dates.includes(day as (typeof days)[number]));
          const concerned = rowsOfKeys(step, ofDates);
          const keys: Partial<Row>[] = [
            ...concerned,
            ...makeRows(step.dates[0] ?? '', step.strangers, '', step.seed).map((row) => ({
              ...row,
              id: (row.id ?? 0) + 1_000_000,
            })),
            ...(step.withNulls ? step.columns.map((column) => ({ ...concerned[0], [column]: null })) : []),
          ];
          const wanted = new Set(keys.map((key) => keyOf(step.columns, key)));
          wanted.delete(undefined);
          const stays = rows.filter(
            (row) =>
              !step.dates.includes(row.day as (typeof days)[number]) ||
              !wanted.has(keyOf(step.columns, row) ?? 'none'),
          );
          const made = [
            ...(step.again ? concerned.map((row) => ({ ...row, text: `again ${number}` })) : []),
            ...step.dates.flatMap((day, index) =>
              makeRows(day, step.fresh, `fresh ${number}`, step.seed + index),
            ),
          ];
          await replace(session, {
            selects: [await sql(made)],
            dates: step.dates,
            replacing: `SELECT ${step.columns.join(', ')} FROM (${await sql(keys)})`,
          });
          rows = [...stays, ...made];
          await expectRows(session, rows);
        }
      } finally {
        await harness.dispose();
      }
    }),
    {
      numRuns: 5,
      interruptAfterTimeLimit: 80_000,
    },
  );
}, 120_000);

async function replace(
  session: EngineSession,
  request: Pick<Parameters<EngineSession['replaceDates']>[0], 'selects' | 'dates' | 'replacing'>,
): Promise<void> {
  await session.replaceDates({ table: 'rows', transactions: [], expected: new Map(), ...request });
}

/** A SELECT of rows, through a file: thousands of them as a literal would take DuckDB's parser seconds. */
function rowsAsSql(directory: string): (rows: readonly Partial<Row>[]) => Promise<string> {
  let files = 0;
  return async (rows) => {
    const path = join(directory, `rows-${(files += 1)}.ndjson`);
    await writeFile(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    const columns = `{day: 'DATE', id: 'BIGINT', moment: 'BIGINT', text: 'VARCHAR'}`;
    return `SELECT * REPLACE (CAST(epoch_ms(moment) AS TIMESTAMPTZ) AS moment)
      FROM read_json(${quoteLiteral(path)}, format = 'newline_delimited', columns = ${columns})`;
  };
}

async function expectRows(session: EngineSession, rows: readonly Row[]): Promise<void> {
  const found = await session.query(
    `SELECT CAST(day AS VARCHAR) AS day, id, epoch_ms(moment) AS moment, text FROM ${session.relation('model', 'rows')}`,
  );
  const counts = new Map<string, number>();
  const count = (row: readonly unknown[], by: number): void => {
    const text = row.join('|');
    const sum = (counts.get(text) ?? 0) + by;
    if (sum === 0) counts.delete(text);
    else counts.set(text, sum);
  };
  for (const { day, id, moment, text } of rows) count([day, id, moment, text], 1);
  for (const { day, id = null, moment = null, text } of found) count([day, id, moment, text], -1);
  // Above 0: rows that are missing; below: rows that are there too often.
  expect([...counts].slice(0, 10)).toEqual([]);
}
