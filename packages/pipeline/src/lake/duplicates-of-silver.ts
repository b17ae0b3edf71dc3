import { isDeltaError, type DeltaTable, type Snapshot } from '@clicklake/delta-lake';
import {
  coveredOffsets,
  duplicatesVersionAppId,
  restoresAppId,
  type Transactions,
} from '../ingest/transaction-ids.ts';
import type { LakeTables } from './lake-tables.ts';

/*
 * A restore of Silver takes duplicates along (S4.3): what will be read again is judged by what Silver holds then (S3.1),
 * and a verdict of before was given by other rows. Each commit of Silver names the version of duplicates that goes with
 * it. The restore is Silver's one commit, which counts it; duplicates follow in a commit that bears the same count, when
 * ingest starts again. Until then, and so after a crash between the two, the ledger counts the version that is named.
 */

/** What a restore's commit of Silver says of duplicates. */
export type DuplicatesStand = readonly { readonly appId: string; readonly version: bigint }[];

/** Duplicates as they belong to a snapshot of Silver that is the newest one. */
export async function duplicatesOf(duplicates: DeltaTable, silver: Snapshot): Promise<Snapshot> {
  const newest = await duplicates.snapshot();
  if (hasFollowed(newest, silver)) return newest;
  return await duplicates.snapshotAt({ version: namedVersion(silver.transactions) ?? newest.version });
}

/**
 * Lets duplicates follow the last restore of Silver, unless they have. Nobody else restores, nor ingests, meanwhile.
 * Their own `txn`s come back with them: they may cover more than Silver's do, as after any crash between the two
 * commits, and such verdicts are read back (S4.1).
 */
export async function followRestore({ silver, duplicates }: LakeTables): Promise<void> {
  const restored = await silver.snapshot();
  if (hasFollowed(await duplicates.snapshot(), restored)) return;
  const version = namedVersion(restored.transactions);
  if (version === undefined) return;
  const counted = { appId: restoresAppId, version: restoresOf(restored.transactions) };
  try {
    await duplicates.restore(
      { version },
      {
        transactions: (target, current) => [
          ...[...current.transactions.keys()]
            .filter((appId) => appId !== restoresAppId)
            .map((appId) => ({ appId, version: target.transactions.get(appId) ?? 0n })),
          counted,
        ],
      },
    );
  } catch (error) {
    if (!isDeltaError(error, 'delta-file-missing') && !isDeltaError(error, 'delta-version-not-found'))
      throw error;
    // Somebody deleted them since the restore, which had looked. Ingest goes on with the verdicts that there are.
    await duplicates.commit({
      operation: 'RESTORE',
      operationParameters: { version },
      adds: [],
      transactions: [counted],
    });
  }
}

/**
 * Which version of duplicates goes with one of Silver's: the last that has the same rows as the one that Silver named,
 * since older files go first. A lake of an earlier version named none: there it is the newest of that time.
 *
 * @throws DeltaError `delta-version-not-found`.
 */
export async function duplicatesToGoWith(
  { silver, duplicates }: LakeTables,
  target: Snapshot,
): Promise<Snapshot> {
  const newest = (await duplicates.snapshot()).version;
  let version = namedVersion(target.transactions) ?? (await versionThen(silver, duplicates, target));
  while (version < newest) {
    const changes = await duplicates.changes(version, version + 1);
    if (changes === undefined || changes.partitions.length > 0) break;
    version += 1;
  }
  return await duplicates.snapshotAt({ version });
}

async function versionThen(silver: DeltaTable, duplicates: DeltaTable, target: Snapshot): Promise<number> {
  // The tables are made one after another, Silver first.
  if (coveredOffsets(target.transactions, 'clickstream-events').every((offset) => offset === 0n)) return 0;
  const timestamp = (await silver.commitEntry(target.version))?.timestamp ?? Number.NaN;
  // A batch's duplicates are committed before its Silver begins; files have fractions of a millisecond.
  return (await duplicates.snapshotAt({ timestamp: timestamp + 1 })).version;
}

/** What the commit of a restore says. */
export function duplicatesStand(current: Transactions, then: Snapshot): DuplicatesStand {
  return [
    { appId: duplicatesVersionAppId, version: BigInt(then.version) },
    { appId: restoresAppId, version: restoresOf(current) + 1n },
  ];
}

/** Whether no restore lies between two versions of Silver: then what one has on record the other has, too. */
export function isSameReading(left: Transactions, right: Transactions): boolean {
  return restoresOf(left) === restoresOf(right);
}

function hasFollowed(duplicates: Snapshot, silver: Snapshot): boolean {
  return restoresOf(duplicates.transactions) >= restoresOf(silver.transactions);
}

function restoresOf(transactions: Transactions): bigint {
  return transactions.get(restoresAppId) ?? 0n;
}

function namedVersion(silver: Transactions): number | undefined {
  const named = silver.get(duplicatesVersionAppId);
  return named === undefined ? undefined : Number(named);
}
