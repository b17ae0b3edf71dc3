import type { ObjectStore, StoredObject } from '../store/object-store.ts';

/** Names in `_delta_log` (PROTOCOL, "Delta Log Entries", "Checkpoints"). */
export const logDirectory = '_delta_log/';
export const lastCheckpointKey = `${logDirectory}_last_checkpoint`;

export function entryKey(version: number): string {
  return `${logDirectory}${paddedVersion(version)}.json`;
}

export function checkpointKey(version: number): string {
  return `${logDirectory}${paddedVersion(version)}.checkpoint.parquet`;
}

/** Key just before everything of a version: a `startAfter` that lists from it on. */
export function beforeVersion(version: number): string {
  return `${logDirectory}${paddedVersion(version)}`;
}

function paddedVersion(version: number): string {
  return version.toString().padStart(20, '0');
}

export interface LoggedEntry extends StoredObject {
  readonly version: number;
}

export interface CheckpointParts {
  readonly version: number;
  /** One key for a classic checkpoint, all parts in order for a multi-part one. */
  readonly keys: readonly string[];
}

export interface LogListing {
  /** In order of version. */
  readonly entries: readonly LoggedEntry[];
  /** Complete classic and multi-part checkpoints, in order of version. */
  readonly checkpoints: readonly CheckpointParts[];
  /** Versions that have only a checkpoint of the V2 kind, which we do not read. */
  readonly unsupportedCheckpoints: readonly number[];
  /** Every object that belongs to a checkpoint, readable or not, complete or not. */
  readonly checkpointFiles: readonly LoggedEntry[];
}

const namePattern =
  /^(\d{20})\.(?:(json)|checkpoint(?:\.(\d{10})\.(\d{10}))?\.parquet|checkpoint\.([0-9a-fA-F-]{36})\.(?:json|parquet))$/;

/** Lists the log from a version on. Names that are not the log's are passed over. */
export async function listLog(store: ObjectStore, fromVersion = 0): Promise<LogListing> {
  const entries: LoggedEntry[] = [];
  const checkpointFiles: LoggedEntry[] = [];
  const unsupported: number[] = [];
  const parts = new Map<string, Map<number, string>>();
  const startAfter = fromVersion === 0 ? undefined : beforeVersion(fromVersion);
  for await (const object of store.list(logDirectory, startAfter)) {
    const match = namePattern.exec(object.key.slice(logDirectory.length));
    if (match === null) continue;
    const [, digits, json, part, total, uuid] = match;
    const version = Number(digits);
    if (json !== undefined) {
      entries.push({ ...object, version });
      continue;
    }
    checkpointFiles.push({ ...object, version });
    if (uuid !== undefined) {
      unsupported.push(version);
      continue;
    }
    const group = `${version}/${Number(total ?? 1)}/${part === undefined ? 'classic' : 'multi'}`;
    const found = parts.get(group) ?? new Map<number, string>();
    parts.set(group, found.set(Number(part ?? 1), object.key));
  }
  const checkpoints = [...parts].flatMap(([group, found]) => completeCheckpoint(group, found));
  return {
    entries: entries.sort((left, right) => left.version - right.version),
    checkpoints: checkpoints.sort((left, right) => left.version - right.version),
    unsupportedCheckpoints: unsupported,
    checkpointFiles,
  };
}

function completeCheckpoint(group: string, found: ReadonlyMap<number, string>): CheckpointParts[] {
  const [version, total] = group.split('/').map(Number);
  const keys = Array.from({ length: total ?? 0 }, (_, index) => found.get(index + 1));
  if (!keys.every((key) => key !== undefined) || version === undefined) return [];
  return [{ version, keys }];
}
