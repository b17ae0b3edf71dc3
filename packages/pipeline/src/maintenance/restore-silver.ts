import { rm } from 'node:fs/promises';
import type { Snapshot } from '@clicklake/delta-lake';
import type { LogReader } from '@clicklake/event-log';
import { coveredOffsets, removedAppId } from '../ingest/transaction-ids.ts';
import { rowsOf, type LakeTables } from '../lake/lake-tables.ts';
import type { LakePaths } from '../lake-paths.ts';
import type { RestoreOptions, RestoreResult, TableName } from '../lake-service.ts';
import { PipelineError } from '../pipeline-error.ts';

export interface RestoreRequest {
  readonly table: TableName;
  readonly tables: LakeTables;
  readonly reader: LogReader;
  readonly paths: LakePaths;
  readonly options: RestoreOptions;
}

/**
 * Restores Silver (S4.3) while ingest stands still. The offsets go back to the target's in the same commit, so
 * that ingest reads the log again from there; with `discard` they stay and the rows are booked as removed. The
 * dedupe state is thrown away either way: the next session rebuilds it from what Silver then holds.
 */
export async function restoreSilver(request: RestoreRequest): Promise<RestoreResult> {
  const { table: name, tables, reader, paths, options } = request;
  if (name !== 'silver') throw onlySilver(name);
  const table = tables.silver;
  const current = await table.snapshot();
  const target = await table.snapshotAt(versionReference(options));
  const discard = options.discard ?? false;
  const toReadAgain = discard ? 0 : await requireOffsets(reader, current, target);
  const rowsBefore = rowsOf(current);
  const rowsAfter = rowsOf(target);
  const transactions = discard
    ? keepOffsets(current, rowsBefore - rowsAfter)
    : rewindOffsets(current, target);

  // First the state, then the commit: a crash in between costs a rebuild, the other order a wrong verdict.
  await rm(paths.dedupe, { recursive: true, force: true });
  const restored = await table.restore({ version: target.version }, { transactions: () => transactions });
  return { version: restored.version, restoredTo: target.version, rowsBefore, rowsAfter, toReadAgain };
}

function versionReference(options: RestoreOptions): { version: number } | { timestamp: number } {
  if (options.version !== undefined) return { version: options.version };
  const timestamp = Date.parse(options.timestamp ?? '');
  if (!Number.isNaN(timestamp)) return { timestamp };
  throw new PipelineError({
    code: 'restore-not-possible',
    message: 'The restore names neither a version nor a readable time.',
    hint: 'Give --version N, or --timestamp 2026-01-31T12:00:00Z. `clicklake table history silver` lists both.',
  });
}

/** Every `txn` as it was; one that the target does not know yet, at its beginning. */
function rewindOffsets(current: Snapshot, target: Snapshot): { appId: string; version: bigint }[] {
  return [...current.transactions.keys()].map((appId) => ({
    appId,
    version: target.transactions.get(appId) ?? 0n,
  }));
}

function keepOffsets(current: Snapshot, removedRows: number): { appId: string; version: bigint }[] {
  const removed = (current.transactions.get(removedAppId) ?? 0n) + BigInt(removedRows);
  return [
    ...[...current.transactions]
      .map(([appId, version]) => ({ appId, version }))
      .filter(({ appId }) => appId !== removedAppId),
    { appId: removedAppId, version: removed },
  ];
}

/** How many offsets ingest would read again; refused when the log has deleted the first of them. */
async function requireOffsets(reader: LogReader, current: Snapshot, target: Snapshot): Promise<number> {
  const now = coveredOffsets(current.transactions, 'clickstream-events');
  const then = coveredOffsets(target.transactions, 'clickstream-events');
  let offsets = 0n;
  for (const state of await reader.describe()) {
    if (state.topic !== 'clickstream-events') continue;
    const from = then[state.partition] ?? 0n;
    const to = now[state.partition] ?? 0n;
    if (from < to && from < state.startOffset) {
      throw new PipelineError({
        code: 'restore-log-gone',
        message: `Version ${target.version} ends at offset ${from} of clickstream-events, partition ${state.partition}, and the log begins at ${state.startOffset}: what came after could not be read again.`,
        hint: 'Choose a later version, or add --discard to give up the rows in between: the ledger books them as removed.',
        details: { partition: state.partition, from: from.toString(), start: state.startOffset.toString() },
      });
    }
    if (to > from) offsets += to - from;
  }
  return Number(offsets);
}

function onlySilver(name: TableName): PipelineError {
  return new PipelineError({
    code: 'restore-not-possible',
    message: `${name} cannot be restored alone: its rows are verdicts on log records that Silver has passed already.`,
    hint: 'Restore silver instead: its records are then read again, and these tables keep their verdicts.',
  });
}
