import { loadState, type LogSource, versionNotFound } from '../log/load-state.ts';
import { withMonotonicTimes } from '../log/log-cleanup.ts';
import { listLog } from '../log/log-files.ts';
import type { Snapshot } from '../log/table-state.ts';

/** A version by its number, or the one that was current at a time (milliseconds since the epoch). */
export type VersionReference = { readonly version: number } | { readonly timestamp: number };

/** @throws DeltaError `delta-version-not-found` outside of the retained log. */
export async function loadVersion(source: LogSource, reference: VersionReference): Promise<Snapshot> {
  const version = 'version' in reference ? reference.version : await versionAt(source, reference.timestamp);
  return (await loadState(source, version)).state;
}

async function versionAt(source: LogSource, timestamp: number): Promise<number> {
  const listing = await listLog(source.store);
  const found = withMonotonicTimes(listing.entries).findLast((entry) => entry.modifiedMs <= timestamp);
  if (found === undefined) throw versionNotFound(`version of ${isoTime(timestamp)}`, listing);
  return found.version;
}

function isoTime(timestamp: number): string {
  return Number.isFinite(timestamp) && Math.abs(timestamp) <= 8.64e15
    ? new Date(timestamp).toISOString()
    : `${timestamp}`;
}
