import type { Contract } from '@clicklake/contract';
import type { LogReader } from '@clicklake/event-log';
import type { DuckDBConnection, DuckDBDataChunk } from '@duckdb/node-api';
import type { DedupeIndex } from '../dedupe/dedupe-index.ts';
import type { CommittedVerdicts } from './committed-verdicts.ts';
import { deadLetterOfRejection, type DeadLetter } from './dead-letter.ts';
import { appendDeadLetters } from './dead-letter-table.ts';
import { recordDuplicates, type FoundDuplicates } from './duplicate-table.ts';
import { readEventHashes } from './event-hashes.ts';
import { tailTable, type Generation } from './generation.ts';
import type { IngestSettings } from './ingest-settings.ts';
import type { Intake } from './intake.ts';
import { judgeDuplicates } from './judge-duplicates.ts';
import { silverProjection } from './silver-projection.ts';
import { spoolBatches, type Spool } from './spool.ts';
import { createTickTable } from './tick-table.ts';
import { unreadableRows } from './unreadable-rows.ts';

export interface TickDependencies {
  readonly connection: DuckDBConnection;
  readonly contract: Contract;
  readonly reader: LogReader;
  readonly dedupe: DedupeIndex;
  readonly dedupeSalt: string;
  readonly verdicts: CommittedVerdicts;
  readonly scratchDirectory: string;
  readonly settings: IngestSettings;
}

export interface TickResult {
  readonly generation: Generation;
  /** The new Silver rows, for the query engine's tail; empty for a tick that is too large to be shown. */
  readonly visible: readonly DuckDBDataChunk[];
}

/**
 * Parses, validates and deduplicates what was taken in and adds it to a generation. All or nothing: when it
 * throws, the generation stands as it was and the same intake can be given again.
 */
export async function runTick(
  dependencies: TickDependencies,
  generation: Generation,
  intake: Intake,
  tick: { readonly number: number; readonly nowMs: number },
): Promise<TickResult> {
  const { connection, contract, verdicts, scratchDirectory, settings } = dependencies;
  const spool = await spoolBatches(scratchDirectory, intake.events, contract, verdicts);
  const table = `tick_${tick.number}`;
  const deadLetters: DeadLetter[] = [
    ...spool.deadLetters,
    ...intake.errors.flatMap((batch) => batch.records().map((record) => deadLetterOfRejection(record, 0))),
  ];
  const judged = spool.files.length === 0 ? noRows : await judgeRows(dependencies, table, spool);
  deadLetters.push(...judged.deadLetters);

  const projection = silverProjection(spool, tick.nowMs);
  const without = [...judged.duplicates.rows, ...judged.duplicates.recorded, ...judged.deadRows];
  const silverRows = judged.rows - without.length;
  const shown = silverRows <= settings.visibleTailRows;
  let visible: readonly DuckDBDataChunk[] = [];
  const tables = new Set(generation.tables);
  const selects = [...generation.silverSelects];

  await connection.run('BEGIN');
  try {
    if (without.length > 0) await excludeRows(connection, table, without);
    const select = `SELECT ${projection} FROM ${table}${
      without.length > 0 ? ` WHERE rowid NOT IN (SELECT row FROM ${excluded(table)})` : ''
    }`;
    if (judged.duplicates.rows.length > 0) {
      tables.add(await recordDuplicates(connection, generation.id, table, spool, judged.duplicates));
    }
    if (deadLetters.length > 0) tables.add(await appendDeadLetters(connection, generation.id, deadLetters));
    if (silverRows > 0 && shown) {
      const tail = tailTable(generation.id);
      visible = await (await connection.run(select)).fetchAllChunks();
      if (tables.has(tail)) await connection.run(`INSERT INTO ${tail} ${select}`);
      else await connection.run(`CREATE TABLE ${tail} AS ${select}`);
      if (!tables.has(tail)) selects.push(`SELECT * FROM ${tail}`);
      tables.add(tail);
    } else if (silverRows > 0) {
      selects.push(select);
      tables.add(table);
      if (without.length > 0) tables.add(excluded(table));
    }
    if (!tables.has(table)) {
      await connection.run(`DROP TABLE IF EXISTS ${table}`);
      await connection.run(`DROP TABLE IF EXISTS ${excluded(table)}`);
    }
    await connection.run('COMMIT');
  } catch (error) {
    await connection.run('ROLLBACK');
    throw error;
  }
  return {
    visible,
    generation: {
      ...generation,
      openedAt: generation.openedAt ?? tick.nowMs,
      silverSelects: selects,
      tables: [...tables],
      silverRows: generation.silverRows + silverRows,
      deadLetterRows: generation.deadLetterRows + deadLetters.length,
      duplicateRows: generation.duplicateRows + judged.duplicates.rows.length,
      bytes: generation.bytes + intake.bytes,
      hidden: generation.hidden || !shown,
      eventsEnd: intake.next.events,
      errorsEnd: intake.next.errors,
      unreadable: generation.unreadable + intake.unreadable,
    },
  };
}

interface JudgedRows {
  readonly rows: number;
  readonly duplicates: FoundDuplicates;
  readonly deadRows: readonly number[];
  readonly deadLetters: readonly DeadLetter[];
}

const noRows: JudgedRows = {
  rows: 0,
  duplicates: { rows: [], firstPartitions: [], firstOffsets: [], recorded: [] },
  deadRows: [],
  deadLetters: [],
};

async function judgeRows(dependencies: TickDependencies, table: string, spool: Spool): Promise<JudgedRows> {
  const { connection, dedupe, dedupeSalt, verdicts, reader } = dependencies;
  const parsedWhole = await createTickTable(connection, table, spool);
  const batch = await readEventHashes(connection, table, spool, dedupeSalt);
  const unreadable = parsedWhole ? [] : await unreadableRows(connection, reader, table, spool);
  const deadRows = unreadable.map((found) => found.row);
  return {
    rows: batch.count,
    duplicates: await judgeDuplicates(dedupe, batch, verdicts, new Set(deadRows)),
    deadRows,
    deadLetters: unreadable.map((found) => found.deadLetter),
  };
}

const excluded = (table: string): string => `${table}_excluded`;

async function excludeRows(
  connection: DuckDBConnection,
  table: string,
  rows: readonly number[],
): Promise<void> {
  await connection.run(`CREATE TABLE ${excluded(table)} (row BIGINT)`);
  const appender = await connection.createAppender(excluded(table));
  for (const row of rows) {
    appender.appendBigInt(BigInt(row));
    appender.endRow();
  }
  appender.closeSync();
}
