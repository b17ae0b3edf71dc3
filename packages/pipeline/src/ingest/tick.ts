import type { LogReader } from '@clicklake/event-log';
import type { DuckDBConnection, DuckDBDataChunk } from '@duckdb/node-api';
import type { DedupeIndex } from '../dedupe/dedupe-index.ts';
import { appendRows } from './append-rows.ts';
import type { CommittedVerdicts } from './committed-verdicts.ts';
import { deadLetterOfRejection } from './dead-letter.ts';
import { appendDeadLetters } from './dead-letter-table.ts';
import { recordDuplicates } from './duplicate-table.ts';
import { tailTable, type Generation } from './generation.ts';
import type { IngestSettings } from './ingest-settings.ts';
import { judgeRows, type JudgedRows } from './judge-rows.ts';
import type { ParsedIntake } from './parse-intake.ts';
import { advanceHorizon } from './received-horizon.ts';
import type { FindReplays } from './replay-places.ts';
import { silverProjection } from './silver-projection.ts';

export interface TickDependencies {
  readonly connection: DuckDBConnection;
  readonly reader: LogReader;
  readonly dedupe: DedupeIndex;
  readonly verdicts: CommittedVerdicts;
  readonly findReplays: FindReplays;
  readonly settings: IngestSettings;
}

export interface TickResult {
  readonly generation: Generation;
  /** The new Silver rows, for the query engine's tail; empty for a tick that is too large to be shown. */
  readonly visible: readonly DuckDBDataChunk[];
}

/**
 * Deduplicates a parsed intake and adds it to a generation. All or nothing: when it throws, the generation stands
 * as it was, and so does the parsed intake.
 *
 * @param nowMs milliseconds since the epoch
 */
export async function runTick(
  dependencies: TickDependencies,
  generation: Generation,
  parsed: ParsedIntake,
  nowMs: number,
): Promise<TickResult> {
  const { connection } = dependencies;
  const judged = await judgeRows(dependencies, parsed);
  await connection.run('BEGIN');
  try {
    return await storeTick(dependencies, generation, parsed, nowMs, judged);
  } catch (error) {
    // There is no transaction any more when the error ended it.
    await connection.run('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

/** Writes a judged tick into the generation's tables, inside the open transaction, which it commits. */
async function storeTick(
  { connection, settings }: TickDependencies,
  generation: Generation,
  { intake, table, spool, batch }: ParsedIntake,
  nowMs: number,
  judged: JudgedRows,
): Promise<TickResult> {
  const { duplicates } = judged;
  const rejections = intake.errors.flatMap((batch) =>
    batch.records().map((record) => deadLetterOfRejection(record, 0)),
  );
  const deadLetters = [...judged.deadLetters, ...rejections];
  const without = [...duplicates.rows, ...duplicates.recorded, ...judged.deadRows];
  const silverRows = batch.count - without.length;
  const shown = silverRows <= settings.visibleTailRows;
  const tables = new Set(generation.tables);
  const selects = [...generation.silverSelects];
  let visible: readonly DuckDBDataChunk[] = [];

  if (duplicates.rows.length > 0)
    tables.add(await recordDuplicates(connection, generation.id, table, spool, duplicates));
  if (deadLetters.length > 0) tables.add(await appendDeadLetters(connection, generation.id, deadLetters));
  if (silverRows > 0) {
    if (without.length > 0) await excludeRows(connection, table, without);
    const select = `SELECT ${silverProjection(spool, nowMs)} FROM ${table}${
      without.length > 0 ? ` WHERE rowid NOT IN (SELECT row FROM ${excluded(table)})` : ''
    }`;
    if (shown) {
      const tail = tailTable(generation.id);
      visible = await (await connection.run(select)).fetchAllChunks();
      if (tables.has(tail)) {
        await connection.run(`INSERT INTO ${tail} ${select}`);
      } else {
        await connection.run(`CREATE TABLE ${tail} AS ${select}`);
        selects.push(`SELECT * FROM ${tail}`);
        tables.add(tail);
      }
    } else {
      selects.push(select);
      tables.add(table);
      if (without.length > 0) tables.add(excluded(table));
    }
  }
  if (!tables.has(table)) {
    await connection.run(`DROP TABLE IF EXISTS ${table}`);
    await connection.run(`DROP TABLE IF EXISTS ${excluded(table)}`);
  }
  await connection.run('COMMIT');
  return {
    visible,
    generation: {
      ...generation,
      openedAt: generation.openedAt ?? nowMs,
      silverSelects: selects,
      tables: [...tables],
      silverRows: generation.silverRows + silverRows,
      deadLetterRows: generation.deadLetterRows + deadLetters.length,
      duplicateRows: generation.duplicateRows + duplicates.rows.length,
      bytes: generation.bytes + intake.bytes,
      hidden: generation.hidden || !shown,
      eventsEnd: intake.next.events,
      errorsEnd: intake.next.errors,
      unreadableEvents: generation.unreadableEvents + intake.unreadableEvents,
      unreadableErrors: generation.unreadableErrors + intake.unreadableErrors,
      replays:
        judged.replays.size === 0 ? generation.replays : new Map([...generation.replays, ...judged.replays]),
      horizon: advanceHorizon(generation.horizon, intake),
    },
  };
}

const excluded = (table: string): string => `${table}_excluded`;

async function excludeRows(
  connection: DuckDBConnection,
  table: string,
  rows: readonly number[],
): Promise<void> {
  await connection.run(`CREATE TABLE ${excluded(table)} (row BIGINT)`);
  await appendRows(connection, excluded(table), rows, (appender, row) => appender.appendBigInt(BigInt(row)));
}
