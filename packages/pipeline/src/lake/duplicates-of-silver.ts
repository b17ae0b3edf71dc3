import type { DeltaTable, Snapshot } from '@clicklake/delta-lake';
import {
  coveredOffsets,
  duplicatesVersionAppId,
  partitionAppId,
  restoresAppId,
  type Transactions,
} from '../ingest/transaction-ids.ts';
import type { LakeTables } from './lake-tables.ts';

/*
 * A restore of Silver takes duplicates along (S4.3): what will be read again is judged by what Silver holds then (S3.1),
 * and a verdict of before was given by other rows. Each commit of Silver names the version of duplicates that it goes
 * with. The restore is Silver's one commit, which counts it; duplicates follow in a commit that bears the same count.
 * Between the two, and after a crash there, the named version is the one that counts.
 */

/** What a restore's commit of Silver says of duplicates. */
export type DuplicatesStand = readonly { readonly appId: string; readonly version: bigint }[];

/** Duplicates as they belong to a snapshot of Silver that is the newest one. */
export async function duplicatesOf(duplicates: DeltaTable, silver: Snapshot): Promise<Snapshot> {
  const newest = await duplicates.snapshot();
  if (hasFollowed(newest, silver)) return newest;
  return await duplicates.snapshotAt({ version: namedVersion(silver.transactions) ?? newest.version });
}

/** Lets duplicates follow the last restore of Silver, unless they have; nobody else restores, nor ingests, meanwhile. */
export async function followRestore({ silver, duplicates }: LakeTables): Promise<void> {
  const restored = await silver.snapshot();
  if (hasFollowed(await duplicates.snapshot(), restored)) return;
  const version = namedVersion(restored.transactions);
  if (version === undefined) return;
  const covered = coveredOffsets(restored.transactions, 'clickstream-events');
  await duplicates.restore(
    { version },
    {
      transactions: (target) => [
        ...coveredOffsets(target.transactions, 'clickstream-events').map((offset, partition) => ({
          appId: partitionAppId('clickstream-events', partition),
          version: min(offset, covered[partition] ?? 0n),
        })),
        { appId: restoresAppId, version: restoresOf(restored.transactions) },
      ],
    },
  );
}

/**
 * Which version of duplicates goes with one of Silver's: the last that has the same rows as the one that Silver named,
 * since older files go first. Undefined when that cannot be told, as nothing named it: then they stay as they are.
 */
export async function duplicatesToGoWith(
  duplicates: DeltaTable,
  silver: Transactions,
): Promise<Snapshot | undefined> {
  const empty = coveredOffsets(silver, 'clickstream-events').every((offset) => offset === 0n);
  let version = namedVersion(silver) ?? (empty ? 0 : undefined);
  if (version === undefined) return undefined;
  const newest = (await duplicates.snapshot()).version;
  while (version < newest) {
    const changes = await duplicates.changes(version, version + 1);
    if (changes === undefined || changes.partitions.length > 0) break;
    version += 1;
  }
  return await duplicates.snapshotAt({ version });
}

/** What the commit of a restore says: duplicates go back to a version, or undefined, stay as they are. */
export function duplicatesStand(
  current: Transactions,
  newest: Snapshot,
  then: Snapshot | undefined,
): DuplicatesStand {
  const restores = restoresOf(current);
  return [
    { appId: duplicatesVersionAppId, version: BigInt((then ?? newest).version) },
    { appId: restoresAppId, version: then === undefined ? restores : restores + 1n },
  ];
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

function min(left: bigint, right: bigint): bigint {
  return left < right ? left : right;
}
