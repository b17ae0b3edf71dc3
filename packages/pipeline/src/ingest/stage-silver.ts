import type { DeltaTable, StagedFile } from '@clicklake/delta-lake';
import type { DuckDBConnection } from '@duckdb/node-api';
import { settleAll } from '../settle-all.ts';
import type { Generation } from './generation.ts';

/** A date with at least so many rows of a commit gets a COPY of its own. */
const ownCopyRows = 20_000;

/** Each runs a statement at a time: a commit writes as many files at once. */
export type StagingConnections = readonly [DuckDBConnection, DuckDBConnection];

/** Writes the Parquet of generations before their turn to be committed comes. */
export interface SilverStaging {
  /** Begins with a generation's rows. */
  start(generation: Generation): void;
  /** Its files: those begun before, the first time; what failed, or was taken before, is written anew. */
  take(generation: Generation): Promise<readonly StagedFile[]>;
  /** Forgets a generation that was committed without them. Resolves when nothing is written for it any more. */
  drop(generation: Generation): Promise<void>;
  /** Resolves when nothing is at work any more. */
  idle(): Promise<void>;
}

export function createSilverStaging(
  table: DeltaTable,
  connections: StagingConnections,
  compression: 'zstd' | 'snappy',
): SilverStaging {
  const begun = new Map<number, Promise<readonly StagedFile[]>>();
  /** When everything begun so far has ended. */
  let last: Promise<unknown> = Promise.resolve();

  function write({ silverRows, silverSelects }: Generation): Promise<readonly StagedFile[]> {
    if (silverRows === 0) return Promise.resolve([]);
    // One after the other: a statement that waits for its connection would hold one of the few threads for I/O.
    const files = last.then(() => stageSilverRows(table, connections, silverSelects, compression));
    last = files.catch(() => undefined);
    return files;
  }

  return {
    start(generation) {
      const files = write(generation);
      // Whoever takes it sees its failure; until then it must not count as unhandled.
      files.catch(() => undefined);
      begun.set(generation.id, files);
    },
    take(generation) {
      const files = begun.get(generation.id) ?? write(generation);
      begun.delete(generation.id);
      return files;
    },
    async drop({ id }) {
      const files = begun.get(id);
      begun.delete(id);
      await files?.catch(() => undefined);
    },
    async idle() {
      await last;
    },
  };
}

/** From so many rows of one date on, two files are written at once: only a catch-up has them. */
const twoFilesRows = 100_000;

/**
 * Writes Silver's rows as Parquet, one file a date, or two of a large one. Most rows of a commit are of one or two
 * dates: those are written directly, and only the stragglers go through DuckDB's partitioned COPY, which costs half
 * as much again since it sorts its rows apart first.
 *
 * @param selects SELECTs whose rows together are those to write.
 */
async function stageSilverRows(
  table: DeltaTable,
  connections: StagingConnections,
  selects: readonly string[],
  compression: 'zstd' | 'snappy',
): Promise<readonly StagedFile[]> {
  const { large, others } = await datesOf(connections[0], unionOf(selects));
  const writes = large.flatMap(({ date, rows }) =>
    (rows < twoFilesRows ? [selects] : halvesOf(selects)).map(
      (part) =>
        (connection: DuckDBConnection): Promise<readonly StagedFile[]> => {
          const select = `SELECT * EXCLUDE (event_date) FROM (${unionOf(part)}) WHERE ${isOn(date)}`;
          return table.stage(select, { connection, compression, partition: { event_date: date } });
        },
    ),
  );
  if (others) {
    const outside = ['true', ...large.map(({ date }) => `NOT (${isOn(date)})`)].join(' AND ');
    const select = `SELECT * FROM (${unionOf(selects)}) WHERE ${outside}`;
    writes.push((connection) => table.stage(select, { connection, compression }));
  }
  const files: StagedFile[] = [];
  const queue = writes.values();
  const work = async (connection: DuckDBConnection): Promise<void> => {
    for (const write of queue) files.push(...(await write(connection)));
  };
  await settleAll([work(connections[0]), work(connections[1])]);
  return files;
}

function unionOf(selects: readonly string[]): string {
  return selects.join(' UNION ALL ');
}

function halvesOf(selects: readonly string[]): readonly (readonly string[])[] {
  const middle = Math.ceil(selects.length / 2);
  return [selects.slice(0, middle), selects.slice(middle)].filter((half) => half.length > 0);
}

/** The dates with many rows, and whether there are rows of any other. */
async function datesOf(
  connection: DuckDBConnection,
  select: string,
): Promise<{ readonly large: readonly LargeDate[]; readonly others: boolean }> {
  // Counted by day number: a cast to DATE asks the time zone about every row.
  const counted = await connection.runAndReadAll(
    `SELECT CAST(epoch_ms("timestamp") // ${dayMs} AS INTEGER) AS day, CAST(count(*) AS DOUBLE) AS rows
     FROM (${select}) GROUP BY ALL ORDER BY ALL`,
  );
  const large = counted
    .getRows()
    .map(([day, rows]) => ({
      date: new Date(Number(day) * dayMs).toISOString().slice(0, 10),
      rows: Number(rows),
    }))
    .filter(({ rows }) => rows >= ownCopyRows);
  return { large, others: large.length < counted.currentRowCount };
}

interface LargeDate {
  readonly date: string;
  readonly rows: number;
}

const dayMs = 86_400_000;

/**
 * The rows of one event_date, which is the UTC date of `timestamp` (S2.3), as bounds of that column: DuckDB's scan
 * then reads the other columns for these rows only, where a condition on a cast copies out every chunk.
 */
function isOn(date: string): string {
  const start = Date.parse(`${date}T00:00:00Z`);
  return `"timestamp" >= make_timestamptz(${start}000) AND "timestamp" < make_timestamptz(${start + dayMs}000)`;
}
