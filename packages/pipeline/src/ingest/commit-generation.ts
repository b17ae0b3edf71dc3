import type { CrashPoints } from '@clicklake/durable-files';
import { isDeltaError, type DeltaTable, type StagedFile } from '@clicklake/delta-lake';
import type { Topic } from '@clicklake/event-log';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { LakeTables } from '../lake/lake-tables.ts';
import { PipelineError } from '../pipeline-error.ts';
import { settleAll } from '../settle-all.ts';
import { deadLettersTable, duplicatesTable, type Generation } from './generation.ts';
import {
  coveredOffsets,
  coveredPositions,
  duplicatesVersionAppId,
  partitionAppId,
  unreadableAppId,
  type Transactions,
} from './transaction-ids.ts';

export interface CommitDependencies {
  readonly connection: DuckDBConnection;
  readonly tables: LakeTables;
  readonly crashPoints: CrashPoints;
  /** Silver's rows as files; begun before the commit, when there was time. */
  readonly stageSilver: (generation: Generation) => Promise<readonly StagedFile[]>;
  /** Told when a commit stands but the checkpoint or log clean-up after it failed; undefined: they went well. */
  readonly onMaintenance: (problem: unknown) => void;
}

interface Step {
  readonly table: DeltaTable;
  readonly files: readonly StagedFile[];
  readonly transactions: readonly { readonly appId: string; readonly version: bigint }[];
  /** The table's transactions when the files were staged: which rows are in them depends on it. */
  readonly before: Transactions;
}

/**
 * Commits a generation: dead letters, duplicates, Silver, in this order (S4.1), each in one Delta commit with
 * a `txn` per log partition. All Parquet is written before the first commit. Safe to repeat after any failure:
 * a table whose `txn` covers the generation already is passed over.
 *
 * @returns Silver's version afterwards.
 * @throws PipelineError `ingest-fenced` when another process committed for the same partitions.
 */
export async function commitGeneration(
  dependencies: CommitDependencies,
  generation: Generation,
): Promise<number> {
  const { tables, crashPoints } = dependencies;
  const [deadLetters, duplicates, silver] = await settleAll([
    stageDeadLetters(dependencies, generation),
    stageDuplicates(dependencies, generation),
    stageSilverStep(dependencies, generation),
  ]);
  crashPoints.reach('ingest-staged');
  if (deadLetters !== undefined) await commitStep(dependencies, deadLetters);
  crashPoints.reach('ingest-between-dead-letters-and-duplicates');
  if (duplicates !== undefined) await commitStep(dependencies, duplicates);
  crashPoints.reach('ingest-between-duplicates-and-silver');
  if (silver !== undefined) await commitStep(dependencies, await namingDuplicates(tables, silver));
  crashPoints.reach('ingest-after-silver');
  return (await tables.silver.snapshot()).version;
}

async function commitStep(
  { onMaintenance }: CommitDependencies,
  { table, files, transactions, before }: Step,
): Promise<void> {
  try {
    const { checkpoint, maintenanceError } = await table.commit({
      operation: 'STREAMING UPDATE',
      operationParameters: { outputMode: 'Append' },
      operationMetrics: { numAddedFiles: files.length, numRemovedFiles: 0 },
      adds: files,
      transactions,
      expectedTransactions: new Map(transactions.map(({ appId }) => [appId, before.get(appId)] as const)),
    });
    if (checkpoint !== undefined || maintenanceError !== undefined) onMaintenance(maintenanceError);
  } catch (error) {
    throw isDeltaError(error, 'delta-transaction-fenced') ? fenced(error) : error;
  }
}

function sameOffsets(left: readonly bigint[], right: readonly bigint[]): boolean {
  return left.every((offset, partition) => offset === right[partition]);
}

function fenced(cause: unknown): PipelineError {
  return new PipelineError({
    code: 'ingest-fenced',
    message: 'Another process committed for the log partitions of this lake.',
    hint: 'Find the other ingest and stop it (two machines may share the directory), then start this one again: it goes on from what is committed.',
    cause,
  });
}

async function stageDeadLetters(
  { connection, tables }: CommitDependencies,
  generation: Generation,
): Promise<Step | undefined> {
  // Every record of the errors topic is a row here: without rows neither topic moves this table (S4.4).
  if (generation.deadLetterRows === 0) return undefined;
  const table = tables.dead_letters;
  const { transactions: before } = await table.snapshot();
  const covered = coveredPositions(before);
  const transactions = [
    ...advances('clickstream-events', covered.events, generation.eventsEnd),
    ...advances('clickstream-errors', [covered.errors], [generation.errorsEnd]),
  ];
  if (transactions.length === 0) return undefined;
  if (generation.unreadableErrors > 0n)
    transactions.push(counted(before, unreadableAppId, generation.unreadableErrors));
  const notYet = [
    ...covered.events.map((next, partition) =>
      notCovered('topic', '"partition"', '"offset"', 'clickstream-events', partition, next),
    ),
    notCovered('topic', '"partition"', '"offset"', 'clickstream-errors', 0, covered.errors),
  ].join(' OR ');
  const select = `SELECT *, CAST(received_at AS DATE) AS event_date
    FROM ${deadLettersTable(generation.id)} WHERE ${notYet}`;
  return {
    table,
    files: await table.stage(select, { connection, compression: 'zstd' }),
    transactions,
    before,
  };
}

async function stageDuplicates(
  { connection, tables }: CommitDependencies,
  generation: Generation,
): Promise<Step | undefined> {
  if (generation.duplicateRows === 0) return undefined;
  const table = tables.duplicates;
  const { transactions: before } = await table.snapshot();
  const covered = coveredOffsets(before, 'clickstream-events');
  const transactions = advances('clickstream-events', covered, generation.eventsEnd);
  if (transactions.length === 0) return undefined;
  const notYet = covered
    .map((next, partition) =>
      notCovered('log_topic', 'log_partition', 'log_offset', 'clickstream-events', partition, next),
    )
    .join(' OR ');
  const select = `SELECT * FROM ${duplicatesTable(generation.id)} WHERE ${notYet}`;
  return {
    table,
    files: await table.stage(select, { connection, compression: 'zstd' }),
    transactions,
    before,
  };
}

async function stageSilverStep(
  { tables, stageSilver }: CommitDependencies,
  generation: Generation,
): Promise<Step | undefined> {
  const table = tables.silver;
  const { transactions: before } = await table.snapshot();
  const covered = coveredOffsets(before, 'clickstream-events');
  const { eventsStart, eventsEnd } = generation;
  // An earlier attempt of ours whose outcome was uncertain, or an errors topic that moved alone.
  if (sameOffsets(covered, eventsEnd)) return undefined;
  if (!sameOffsets(covered, eventsStart)) throw fenced(undefined);
  const transactions = advances('clickstream-events', covered, eventsEnd);
  const files = await stageSilver(generation);
  if (generation.unreadableEvents > 0n)
    transactions.push(counted(before, unreadableAppId, generation.unreadableEvents));
  return { table, files, transactions, before };
}

/** A restore of Silver takes duplicates along to the version that goes with it (S4.3). */
async function namingDuplicates({ duplicates }: LakeTables, silver: Step): Promise<Step> {
  const version = BigInt((await duplicates.snapshot()).version);
  if (silver.before.get(duplicatesVersionAppId) === version) return silver;
  return { ...silver, transactions: [...silver.transactions, { appId: duplicatesVersionAppId, version }] };
}

/** A ledger's counter that moves with the rows (S4.2). */
function counted(before: Transactions, appId: string, more: bigint): { appId: string; version: bigint } {
  return { appId, version: (before.get(appId) ?? 0n) + more };
}

/** The `txn`s that move forward; none that stands already where the generation ends. */
function advances(
  topic: Topic,
  covered: readonly bigint[],
  end: readonly bigint[],
): { appId: string; version: bigint }[] {
  return end.flatMap((version, partition) =>
    version > (covered[partition] ?? 0n) ? [{ appId: partitionAppId(topic, partition), version }] : [],
  );
}

function notCovered(
  topicColumn: string,
  partitionColumn: string,
  offsetColumn: string,
  topic: string,
  partition: number,
  next: bigint,
): string {
  return `(${topicColumn} = '${topic}' AND ${partitionColumn} = ${partition} AND ${offsetColumn} >= ${next})`;
}
