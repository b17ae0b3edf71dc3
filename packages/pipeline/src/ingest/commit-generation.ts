import type { CrashPoints } from '@clicklake/durable-files';
import type { DeltaTable, StagedFile } from '@clicklake/delta-lake';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { LakeTables } from '../lake/lake-tables.ts';
import { deadLettersTable, duplicatesTable, type Generation } from './generation.ts';
import type { IngestSettings } from './ingest-settings.ts';
import { stageSilverRows } from './stage-silver.ts';
import { coveredOffsets, coveredPositions, partitionAppId, unreadableAppId } from './transaction-ids.ts';

export interface CommitDependencies {
  readonly connection: DuckDBConnection;
  readonly tables: LakeTables;
  readonly crashPoints: CrashPoints;
  readonly settings: Pick<IngestSettings, 'parquetCompression'>;
  /** Told when a commit stands but the checkpoint or the log clean-up after it failed. */
  readonly onMaintenanceProblem: (problem: unknown) => void;
}

interface Step {
  readonly table: DeltaTable;
  readonly files: readonly StagedFile[];
  readonly transactions: readonly { readonly appId: string; readonly version: bigint }[];
}

/**
 * Commits a generation: dead letters, duplicates, Silver, in this order (S4.1), each in one Delta commit with
 * a `txn` per log partition. All Parquet is written before the first commit. Safe to repeat after any failure:
 * a table whose `txn` covers the generation already is passed over.
 *
 * @returns Silver's version afterwards.
 * @throws DeltaError `delta-transaction-fenced` when another process committed for the same partitions.
 */
export async function commitGeneration(
  dependencies: CommitDependencies,
  generation: Generation,
): Promise<number> {
  const { tables, crashPoints } = dependencies;
  const [deadLetters, duplicates, silver] = await Promise.all([
    stageDeadLetters(dependencies, generation),
    stageDuplicates(dependencies, generation),
    stageSilver(dependencies, generation),
  ]);
  crashPoints.reach('ingest-staged');
  if (deadLetters !== undefined) await commitStep(dependencies, deadLetters);
  crashPoints.reach('ingest-between-dead-letters-and-duplicates');
  if (duplicates !== undefined) await commitStep(dependencies, duplicates);
  crashPoints.reach('ingest-between-duplicates-and-silver');
  if (silver !== undefined) await commitStep(dependencies, silver);
  crashPoints.reach('ingest-after-silver');
  return (await tables.silver.snapshot()).version;
}

async function commitStep(
  { onMaintenanceProblem }: CommitDependencies,
  { table, files, transactions }: Step,
): Promise<void> {
  const snapshot = await table.snapshot();
  const { maintenanceError } = await table.commit({
    operation: 'STREAMING UPDATE',
    operationParameters: { outputMode: 'Append' },
    operationMetrics: { numAddedFiles: files.length, numRemovedFiles: 0 },
    adds: files,
    transactions,
    expectedTransactions: new Map(
      transactions.map(({ appId }) => [appId, snapshot.transactions.get(appId)] as const),
    ),
  });
  if (maintenanceError !== undefined) onMaintenanceProblem(maintenanceError);
}

async function stageDeadLetters(
  { connection, tables }: CommitDependencies,
  generation: Generation,
): Promise<Step | undefined> {
  // Every record of the errors topic is a row here: without rows neither topic moves this table (S4.4).
  if (generation.deadLetterRows === 0) return undefined;
  const table = tables.dead_letters;
  const covered = coveredPositions((await table.snapshot()).transactions);
  const transactions = [
    ...advances('clickstream-events', covered.events, generation.eventsEnd),
    ...advances('clickstream-errors', [covered.errors], [generation.errorsEnd]),
  ];
  if (transactions.length === 0) return undefined;
  const notYet = [
    ...covered.events.map((next, partition) =>
      notCovered('topic', '"partition"', '"offset"', 'clickstream-events', partition, next),
    ),
    notCovered('topic', '"partition"', '"offset"', 'clickstream-errors', 0, covered.errors),
  ].join(' OR ');
  const select = `SELECT *, CAST(received_at AS DATE) AS event_date
    FROM ${deadLettersTable(generation.id)} WHERE ${notYet}`;
  return { table, files: await table.stage(select, { connection, compression: 'zstd' }), transactions };
}

async function stageDuplicates(
  { connection, tables }: CommitDependencies,
  generation: Generation,
): Promise<Step | undefined> {
  if (generation.duplicateRows === 0) return undefined;
  const table = tables.duplicates;
  const covered = coveredOffsets((await table.snapshot()).transactions, 'clickstream-events');
  const transactions = advances('clickstream-events', covered, generation.eventsEnd);
  if (transactions.length === 0) return undefined;
  const notYet = covered
    .map((next, partition) =>
      notCovered('log_topic', 'log_partition', 'log_offset', 'clickstream-events', partition, next),
    )
    .join(' OR ');
  const select = `SELECT * FROM ${duplicatesTable(generation.id)} WHERE ${notYet}`;
  return { table, files: await table.stage(select, { connection, compression: 'zstd' }), transactions };
}

async function stageSilver(
  { connection, tables, settings }: CommitDependencies,
  generation: Generation,
): Promise<Step | undefined> {
  const table = tables.silver;
  const { transactions: before } = await table.snapshot();
  const transactions = advances(
    'clickstream-events',
    coveredOffsets(before, 'clickstream-events'),
    generation.eventsEnd,
  );
  if (transactions.length === 0) return undefined;
  const files =
    generation.silverRows === 0
      ? []
      : await stageSilverRows(
          table,
          connection,
          generation.silverSelects.join(' UNION ALL '),
          settings.parquetCompression,
        );
  if (generation.unreadable > 0n) {
    const version = (before.get(unreadableAppId) ?? 0n) + generation.unreadable;
    return { table, files, transactions: [...transactions, { appId: unreadableAppId, version }] };
  }
  return { table, files, transactions };
}

/** The `txn`s that move forward; none that stands already where the generation ends. */
function advances(
  topic: 'clickstream-events' | 'clickstream-errors',
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
