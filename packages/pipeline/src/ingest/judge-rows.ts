import type { DedupeBatch } from '../dedupe/dedupe-batch.ts';
import { PipelineError } from '../pipeline-error.ts';
import type { DeadLetter } from './dead-letter.ts';
import type { FoundDuplicates } from './duplicate-table.ts';
import { readEventHashes } from './event-hashes.ts';
import type { PartitionBatches } from './intake.ts';
import { judgeDuplicates } from './judge-duplicates.ts';
import { spoolBatches, type Spool } from './spool.ts';
import { createTickTable } from './tick-table.ts';
import type { TickDependencies } from './tick.ts';
import { unreadableRows } from './unreadable-rows.ts';

/** What became of a tick's events: rows of its table, by rowid, and what never got that far. */
export interface JudgedRows {
  readonly spool: Spool;
  readonly rows: number;
  readonly duplicates: FoundDuplicates;
  /** Rows that are dead letters; those are in `deadLetters` with the ones that were never rows. */
  readonly deadRows: readonly number[];
  readonly deadLetters: readonly DeadLetter[];
}

/**
 * Parses the events into `table` and judges each. Records that bear our fingerprint are taken at their word, in
 * bulk; when what DuckDB finds does not bear it out (a foreign producer copied the fingerprint), the tick is
 * done again and every record is judged.
 */
export async function judgeRows(
  dependencies: TickDependencies,
  table: string,
  events: readonly PartitionBatches[],
): Promise<JudgedRows> {
  const { connection, reader, dedupe, verdicts } = dependencies;
  const { spool, batch, unreadable } =
    (await parseEvents(dependencies, table, events, 'trusting')) ??
    (await parseEvents(dependencies, table, events, 'judging')) ??
    failUnparsable();
  const rejected = unreadable ? await unreadableRows(connection, reader, table, spool) : [];
  const deadRows = rejected.map((found) => found.row);
  return {
    spool,
    rows: batch.count,
    duplicates: await judgeDuplicates(dedupe, batch, verdicts, new Set(deadRows)),
    deadRows,
    deadLetters: [...spool.deadLetters, ...rejected.map((found) => found.deadLetter)],
  };
}

interface ParsedEvents {
  readonly spool: Spool;
  readonly batch: DedupeBatch;
  /** Some rows are no events. */
  readonly unreadable: boolean;
}

/** Undefined when the table's rows are not the lines one by one, or, while trusting, not all of them events. */
async function parseEvents(
  { connection, contract, verdicts, scratchDirectory, dedupeSalt }: TickDependencies,
  table: string,
  events: readonly PartitionBatches[],
  mode: 'trusting' | 'judging',
): Promise<ParsedEvents | undefined> {
  const spool = await spoolBatches(scratchDirectory, events, contract, verdicts, mode);
  if (spool.files.length === 0) return { spool, batch: noRows, unreadable: false };
  const allEvents = await createTickTable(connection, table, spool);
  if (!allEvents && mode === 'trusting') return undefined;
  const batch = await readEventHashes(connection, table, spool, dedupeSalt);
  return batch.count === spool.lines ? { spool, batch, unreadable: !allEvents } : undefined;
}

const noRows: DedupeBatch = {
  count: 0,
  hashes: new Uint32Array(0),
  receivedAt: new Float64Array(0),
  partitions: new Int32Array(0),
  offsets: new Float64Array(0),
};

function failUnparsable(): never {
  throw new PipelineError({
    code: 'ingest-failed',
    message: 'DuckDB read another number of lines than the tick wrote.',
    hint: 'Please report this: no record is lost, but ingest cannot go on.',
  });
}
