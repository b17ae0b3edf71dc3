import type { CrashPoints } from '@clicklake/durable-files';
import { type CheckpointParts, type LogListing, listLog, type LoggedEntry } from './log-files.ts';
import type { ObjectStore } from '../store/object-store.ts';

/**
 * Which log objects have outlived their retention (PROTOCOL, "Metadata Cleanup"): everything before the
 * newest checkpoint that is itself past it. That checkpoint, its entry and all later ones stay, so every
 * version younger than the retention can still be loaded. Oldest first: a crash leaves a shorter log, whole.
 *
 * @param now milliseconds since the epoch.
 */
export function expiredLogKeys(listing: LogListing, retentionMs: number, now: number): readonly string[] {
  const cutOff = cutOffVersion(listing, now - retentionMs);
  if (cutOff === undefined) return [];
  return [...listing.entries, ...listing.checkpointFiles]
    .filter((object) => object.version < cutOff)
    .sort((left, right) => left.version - right.version)
    .map((object) => object.key);
}

function cutOffVersion(listing: LogListing, cutOffMs: number): number | undefined {
  const newestExpired = withMonotonicTimes(listing.entries).findLast((entry) => entry.modifiedMs <= cutOffMs);
  if (newestExpired === undefined) return undefined;
  return listing.checkpoints.findLast((found: CheckpointParts) => found.version <= newestExpired.version)
    ?.version;
}

/** File times can stand still or jump back; versions cannot: each is at least 1 ms after the one before. */
export function withMonotonicTimes(entries: readonly LoggedEntry[]): readonly LoggedEntry[] {
  let last = -Infinity;
  return entries.map((entry) => {
    last = Math.max(Math.floor(entry.modifiedMs), last + 1);
    return { ...entry, modifiedMs: last };
  });
}

/** @returns the keys removed. */
export async function removeExpiredLog(
  store: ObjectStore,
  retentionMs: number,
  now: number,
  crashPoints: CrashPoints,
): Promise<readonly string[]> {
  const expired = expiredLogKeys(await listLog(store), retentionMs, now);
  for (let start = 0; start < expired.length; start += 1000) {
    crashPoints.reach('delta-log-cleanup');
    await store.remove(expired.slice(start, start + 1000));
  }
  return expired;
}
