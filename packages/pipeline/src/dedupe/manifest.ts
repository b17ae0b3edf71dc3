import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { writeFileDurably, type FileSystem } from '@clicklake/durable-files';
import type { DedupeState } from './dedupe-index.ts';
import { corruptState } from './dedupe-error.ts';
import type { RunDescription } from './run-format.ts';

/**
 * The commit point of the saved state: which runs belong to it and which Silver it stands for. One line
 * with the CRC-32 of the rest, then JSON.
 */
export interface Manifest {
  readonly state: DedupeState;
  /** The window the entries were kept for: a wider one needs a rebuild. */
  readonly windowMs: number;
  readonly runs: readonly ManifestRun[];
}

export interface ManifestRun extends RunDescription {
  /** See `Run.liveBelow`; null: below the state's `covered`. */
  readonly liveBelow: readonly number[] | null;
}

export const manifestName = 'MANIFEST';

const formatVersion = 1;

export async function writeManifest(files: FileSystem, directory: string, manifest: Manifest): Promise<void> {
  const { state, windowMs, runs } = manifest;
  const body = JSON.stringify({
    formatVersion,
    silverVersion: state.silverVersion,
    covered: state.covered.map(String),
    windowMs,
    runs,
  });
  await writeFileDurably(files, join(directory, manifestName), Buffer.from(`${checksumOf(body)}\n${body}`));
}

/**
 * @returns undefined when there is none.
 * @throws DedupeError `dedupe-state-corrupt`.
 */
export async function readManifest(files: FileSystem, directory: string): Promise<Manifest | undefined> {
  const path = join(directory, manifestName);
  if ((await files.stat(path)) === undefined) return undefined;
  const text = (await files.readFile(path)).toString();
  const end = text.indexOf('\n');
  const body = text.slice(end + 1);
  if (text.slice(0, Math.max(0, end)) !== checksumOf(body))
    throw corruptState('its manifest fails its checksum');
  const parsed = JSON.parse(body) as ManifestJson;
  if (parsed.formatVersion !== formatVersion) {
    throw corruptState(`its manifest has the format ${String(parsed.formatVersion)}, not ${formatVersion}`);
  }
  return {
    state: { silverVersion: parsed.silverVersion, covered: parsed.covered.map(BigInt) },
    windowMs: parsed.windowMs,
    runs: parsed.runs,
  };
}

/** The body behind a valid checksum and a known format: as `writeManifest` wrote it. */
interface ManifestJson {
  readonly formatVersion: number;
  readonly silverVersion: number;
  readonly covered: readonly string[];
  readonly windowMs: number;
  readonly runs: readonly ManifestRun[];
}

function checksumOf(body: string): string {
  return crc32(body).toString(16).padStart(8, '0');
}
