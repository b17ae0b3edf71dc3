import {
  parseStatistics,
  pruneFiles,
  recordCount,
  type AddFile,
  type CommitEntry,
  type DeltaTable,
  type Snapshot,
} from '@clicklake/delta-lake';
import { partitionAppId } from '../ingest/transaction-ids.ts';
import type { RecordPlace, SilverPlace, TraceCommit } from './event-trace.ts';

/** How many versions after the moment are looked at: only commits of a few seconds lie between it and the one. */
const versionsToLookAt = 500;

export interface SilverRowPlace extends RecordPlace {
  readonly eventDate: string;
  /** When ingest took the record up, ms: its commit came soon after. */
  readonly processedAt: number;
}

/**
 * Which commit brought a row of Silver, and how it came into the file that it lies in. The `txn`s say up to which
 * offset a commit reaches (S4.1); which one reached past this offset is looked for from the moment on in which the
 * record was taken up, so that what was before a restore is not taken for it.
 */
export async function silverPlace(
  table: DeltaTable,
  snapshot: Snapshot,
  row: SilverRowPlace,
  file: AddFile,
): Promise<SilverPlace> {
  const appId = partitionAppId('clickstream-events', row.partition);
  const bringsRow = ({ transactions, adds }: CommitEntry): boolean =>
    (transactions.get(appId) ?? 0n) > BigInt(row.offset) && adds.some((add) => mayHold(snapshot, add, row));
  const brought = await firstEntryFrom(table, snapshot.version, row.processedAt, bringsRow);
  const first = brought.entry?.adds.filter((add) => mayHold(snapshot, add, row)) ?? [];
  const moved = brought.entry !== undefined && !first.some(({ path }) => path === file.path);
  const mover = moved
    ? await firstEntryFrom(table, snapshot.version, file.modificationTime - clockStepMs, ({ adds }) =>
        adds.some(({ path }) => path === file.path),
      )
    : undefined;
  return {
    commit: brought.entry === undefined ? null : commitOf(brought.entry),
    commitMissing: brought.entry === undefined ? whyMissing(brought.gone, row.processedAt) : null,
    file: { path: file.path, bytes: file.size, rows: recordCount(file.stats) ?? null },
    firstFile: moved && first.length === 1 ? (first[0]?.path ?? null) : null,
    movedBy: mover?.entry === undefined ? null : commitOf(mover.entry),
  };
}

/** Files of a snapshot that may hold the row, by their statistics. */
export function filesThatMayHold(
  snapshot: Snapshot,
  {
    partition,
    offset,
    receivedAt,
  }: Pick<RecordPlace, 'partition' | 'offset'> & { readonly receivedAt: number },
): readonly AddFile[] {
  return pruneFiles(snapshot, [
    { column: 'log_offset', op: '=', value: BigInt(offset) },
    { column: 'log_partition', op: '=', value: BigInt(partition) },
    { column: 'received_at', op: '=', value: new Date(receivedAt).toISOString() },
  ]);
}

function mayHold(
  snapshot: Snapshot,
  add: AddFile,
  { partition, offset, eventDate }: SilverRowPlace,
): boolean {
  if (!add.dataChange || add.partitionValues.event_date !== eventDate) return false;
  if (parseStatistics(add.stats) === undefined) return true;
  const { schema, metadata } = snapshot;
  const one = { schema, metadata, files: new Map([[add.path, add]]) };
  return (
    pruneFiles(one, [
      { column: 'log_offset', op: '=', value: BigInt(offset) },
      { column: 'log_partition', op: '=', value: BigInt(partition) },
    ]).length > 0
  );
}

/** File systems keep times more coarsely than the clock, and a commit follows its file. */
const clockStepMs = 2_000;

interface FoundEntry {
  readonly entry: CommitEntry | undefined;
  /** Entries of the moment are not in the log any more. */
  readonly gone: boolean;
}

/** The first entry not older than a moment for which the test holds: a binary search by time, then a walk. */
async function firstEntryFrom(
  table: DeltaTable,
  newest: number,
  moment: number,
  test: (entry: CommitEntry) => boolean,
): Promise<FoundEntry> {
  let [low, high] = [0, newest + 1];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const entry = await table.commitEntry(middle);
    // Clean-up takes entries away from the old end only.
    if (entry === undefined || (entry.timestamp ?? 0) < moment) low = middle + 1;
    else high = middle;
  }
  const gone = low > 0 && (await table.commitEntry(low - 1)) === undefined;
  for (let version = low; version <= newest && version < low + versionsToLookAt; version += 1) {
    const entry = await table.commitEntry(version);
    if (entry === undefined) break;
    if (test(entry)) return { entry, gone };
  }
  return { entry: undefined, gone };
}

function commitOf({ version, timestamp, operation }: CommitEntry): TraceCommit {
  return { version, timestamp: new Date(timestamp ?? 0).toISOString(), operation };
}

function whyMissing(gone: boolean, processedAt: number): string {
  const taken = `ingest took the record up at ${new Date(processedAt).toISOString()}`;
  return gone
    ? `The log of Silver no longer holds it: entries are kept for 7 days, and ${taken}.`
    : `No entry of Silver's log around that time says that it brought this row; ${taken}.`;
}
