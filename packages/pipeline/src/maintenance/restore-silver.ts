import type { Snapshot } from '@clicklake/delta-lake';
import type { LogReader } from '@clicklake/event-log';
import type { DuckDBConnection } from '@duckdb/node-api';
import { ingestGroup } from '../ingest/ingest-session.ts';
import {
  coveredOffsets,
  coveredPositions,
  duplicatesVersionAppId,
  removalsAppId,
  removedAppId,
  restoresAppId,
  type Transactions,
} from '../ingest/transaction-ids.ts';
import { spansFrom, spansOfRows, startOffsets, type Removal, type Removals } from '../ledger/removals.ts';
import { rowsOf, tableSql, type LakeTables } from '../lake/lake-tables.ts';
import type { RestoreOptions, RestoreResult, TableName } from '../lake-service.ts';
import { PipelineError } from '../pipeline-error.ts';
import { requireSameDuplicates, takeDuplicatesAlong } from './restore-duplicates.ts';

export interface RestoreRequest {
  readonly table: TableName;
  readonly tables: LakeTables;
  readonly removals: Removals;
  readonly connection: DuckDBConnection;
  readonly reader: LogReader;
  readonly options: RestoreOptions;
}

/** What a restore of Silver will do. */
export interface SilverRestore {
  readonly target: number;
  readonly transactions: readonly { readonly appId: string; readonly version: bigint }[];
  readonly rowsBefore: number;
  readonly rowsAfter: number;
  readonly toReadAgain: number;
  /** What `discard` gives up; null otherwise. */
  readonly discarded: Removal | null;
}

/**
 * Decides what a restore of Silver does to its offsets (S4.3): they go back to the target's, so that ingest
 * reads the log again from there; with `discard` they stay and the rows are booked as removed. Ingest stands
 * still. From here on log retention keeps what will be read again.
 *
 * @throws PipelineError `restore-not-possible`, `restore-log-gone`; DeltaError `delta-version-not-found`.
 */
export async function planSilverRestore(request: RestoreRequest): Promise<SilverRestore> {
  const { table: name, tables, connection, reader, options } = request;
  if (name !== 'silver') throw onlySilver(name);
  const current = await tables.silver.snapshot();
  const target = await tables.silver.snapshotAt(versionReference(options));
  const rowsBefore = rowsOf(current);
  const rowsAfter = rowsOf(target);
  const now = current.transactions;
  const movement = offsetMovement(now, target.transactions);
  const shared = { target: target.version, rowsBefore, rowsAfter };
  if (options.discard === true && movement !== 'forward') {
    if (movement === 'both') throw cannotDiscard(target.version);
    await requireSameDuplicates(connection, tables, current, target);
    const transactions = keepOffsets(now, rowsBefore - rowsAfter);
    const discarded = await planDiscard(request, current, target);
    return { ...shared, transactions, toReadAgain: 0, discarded };
  }
  const stand = await takeDuplicatesAlong(tables, current, target);
  await keepInLog(reader, tables, target);
  const toReadAgain = await requireOffsets(reader, current, target);
  const transactions = [...rewindOffsets(now, target.transactions), ...stand];
  return { ...shared, transactions, toReadAgain, discarded: null };
}

/**
 * Carries the plan out in one commit, after the booking of what it gives up; the dedupe state is gone by now. Duplicates
 * follow when ingest starts again, as it does at once.
 */
export async function restoreSilver(
  silver: LakeTables['silver'],
  removals: Removals,
  connection: DuckDBConnection,
  plan: SilverRestore,
): Promise<RestoreResult> {
  const { target, rowsBefore, rowsAfter, toReadAgain, discarded } = plan;
  const transactions = [...plan.transactions];
  if (discarded !== null)
    transactions.push({ appId: removalsAppId, version: await removals.book(connection, discarded) });
  const { version } = await silver.restore({ version: target }, { transactions: () => transactions });
  return { version, restoredTo: target, rowsBefore, rowsAfter, toReadAgain };
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

/** Where the target's offsets lie: an earlier restore may have left versions that read further (`forward`). */
function offsetMovement(current: Transactions, target: Transactions): 'back' | 'forward' | 'both' {
  const now = coveredOffsets(current, 'clickstream-events');
  const then = coveredOffsets(target, 'clickstream-events');
  const back = now.some((offset, partition) => offset > (then[partition] ?? 0n));
  const forward = now.some((offset, partition) => offset < (then[partition] ?? 0n));
  if (back && forward) return 'both';
  return forward ? 'forward' : 'back';
}

/** Every `txn` as the target had it; one that it does not know yet, at its beginning; but for what is said of duplicates. */
function rewindOffsets(current: Transactions, target: Transactions): SilverRestore['transactions'] {
  const appIds = new Set([...current.keys(), ...target.keys()]);
  const offsetsAndCounts = [...appIds].filter(
    (appId) => appId !== duplicatesVersionAppId && appId !== restoresAppId,
  );
  return offsetsAndCounts.map((appId) => ({ appId, version: target.get(appId) ?? 0n }));
}

function keepOffsets(current: Transactions, removedRows: number): SilverRestore['transactions'] {
  const kept = new Map(current).set(removedAppId, (current.get(removedAppId) ?? 0n) + BigInt(removedRows));
  // Its booking is still to come.
  kept.delete(removalsAppId);
  return [...kept].map(([appId, version]) => ({ appId, version }));
}

/**
 * Every row from the target's offsets on goes, and what was removed there before stays removed; below them the target
 * tells itself what it has lost.
 */
async function planDiscard(
  { tables, removals, connection, reader }: RestoreRequest,
  current: Snapshot,
  target: Snapshot,
): Promise<Removal> {
  const then = coveredOffsets(target.transactions, 'clickstream-events');
  const from = (await startOffsets(reader)).map((start, partition) => max(start, then[partition] ?? 0n));
  const [now, before] = [
    await removals.at(connection, current.transactions),
    await removals.at(connection, target.transactions),
  ];
  return {
    after: target.transactions,
    rows: now.rows + BigInt(rowsOf(current) - rowsOf(target)) - before.rows,
    spansSql: `${spansOfRows(tableSql(tables.silver, current), from)}
      UNION ALL ${spansFrom(now.spansSql, from)}`,
  };
}

function max(left: bigint, right: bigint): bigint {
  return left > right ? left : right;
}

/** Log retention goes by the group's offsets: they move back before Silver does, so that nothing slips away. */
async function keepInLog(reader: LogReader, tables: LakeTables, target: Snapshot): Promise<void> {
  const deadLetters = await tables.dead_letters.snapshot();
  await reader.commit(ingestGroup, {
    'clickstream-events': coveredOffsets(target.transactions, 'clickstream-events'),
    'clickstream-errors': [coveredPositions(deadLetters.transactions).errors],
  });
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

function cannotDiscard(version: number): PipelineError {
  return new PipelineError({
    code: 'restore-not-possible',
    message: `Version ${version} has rows of one log partition that Silver lacks, and lacks rows of another: what a discard would remove cannot be told.`,
    hint: 'Restore it without --discard: its records are read from the log again.',
    details: { version },
  });
}

function onlySilver(name: TableName): PipelineError {
  return new PipelineError({
    code: 'restore-not-possible',
    message: `${name} cannot be restored alone: its rows are verdicts on log records that Silver has passed already.`,
    hint: 'Restore silver instead: its records are then read again; duplicates go with it, and dead letters stay.',
  });
}
