import type { Contract } from '@clicklake/contract';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { DedupeBatch } from '../dedupe/dedupe-batch.ts';
import { PipelineError } from '../pipeline-error.ts';
import type { CommittedVerdicts } from './committed-verdicts.ts';
import { hashColumn, readEventHashes } from './event-hashes.ts';
import type { Intake, PartitionBatches } from './intake.ts';
import { spoolBatches, type Spool } from './spool.ts';
import { createTickTable } from './tick-table.ts';

export interface ParseDependencies {
  /** Its own: the ticks before are parsed, judged and stored meanwhile. */
  readonly connection: DuckDBConnection;
  readonly contract: Contract;
  readonly dedupeSalt: string;
  readonly verdicts: CommittedVerdicts;
  /** Of this connection alone. */
  readonly scratchDirectory: string;
}

/** An intake whose events are rows of a table. Nothing depends yet on the ticks before it. */
export interface ParsedIntake {
  readonly intake: Intake;
  /** Exists unless the spool is empty. */
  readonly table: string;
  readonly spool: Spool;
  /** What the dedupe index needs of each row. */
  readonly batch: DedupeBatch;
  /** Some rows are no events. */
  readonly unreadable: boolean;
}

/**
 * Parses an intake's events into `table`. Records that bear our fingerprint are taken at their word, in bulk; when
 * what DuckDB finds does not bear it out (a foreign producer copied the fingerprint), it is done again and every
 * record is judged. When it throws, there is no table.
 */
export async function parseIntake(
  dependencies: ParseDependencies,
  intake: Intake,
  table: string,
): Promise<ParsedIntake> {
  try {
    const parsed =
      (await parseEvents(dependencies, table, intake.events, 'trusting')) ??
      (await parseEvents(dependencies, table, intake.events, 'judging')) ??
      failUnparsable();
    return { intake, table, ...parsed };
  } catch (error) {
    await dropTable(dependencies.connection, table);
    throw error;
  }
}

/** For a parsed intake that no tick has taken over. */
export function discardParsed(connection: DuckDBConnection, { table }: ParsedIntake): Promise<void> {
  return dropTable(connection, table);
}

/** What is left behind only takes memory: not worth another failure. */
async function dropTable(connection: DuckDBConnection, table: string): Promise<void> {
  await connection.run(`DROP TABLE IF EXISTS ${table}`).catch(() => undefined);
}

/** Undefined when the table's rows are not the lines one by one, or, while trusting, not all of them events. */
async function parseEvents(
  { connection, contract, verdicts, scratchDirectory, dedupeSalt }: ParseDependencies,
  table: string,
  events: readonly PartitionBatches[],
  mode: 'trusting' | 'judging',
): Promise<Pick<ParsedIntake, 'spool' | 'batch' | 'unreadable'> | undefined> {
  const spool = await spoolBatches(scratchDirectory, events, contract, verdicts, mode);
  if (spool.files.length === 0) return { spool, batch: noRows, unreadable: false };
  const allEvents = await createTickTable(connection, table, spool, [hashColumn(dedupeSalt)]);
  if (!allEvents && mode === 'trusting') return undefined;
  const batch = await readEventHashes(connection, table, spool);
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
