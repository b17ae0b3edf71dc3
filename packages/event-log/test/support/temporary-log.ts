import { nodeFileSystem, type FileSystem } from '@clicklake/durable-files';
import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  openEmbeddedLog,
  type EmbeddedLogOptions,
  type EventLog,
  type NewRecord,
} from '@clicklake/event-log';

/** Where a test looks at bytes and not at durability, fsync would only take its time. */
export const unsyncedFiles: FileSystem = {
  ...nodeFileSystem,
  async open(path, mode) {
    return { ...(await nodeFileSystem.open(path, mode)), sync: () => Promise.resolve() };
  },
  makeDirectory: async (path) => {
    await fs.mkdir(path, { recursive: true });
  },
  syncDirectory: () => Promise.resolve(),
};

export interface TemporaryLog {
  readonly directory: string;
  open(options?: Partial<EmbeddedLogOptions>): EventLog;
  remove(): Promise<void>;
}

export async function temporaryLog(): Promise<TemporaryLog> {
  const directory = await fs.mkdtemp(join(tmpdir(), 'log-'));
  return {
    directory,
    open: (options = {}) => openEmbeddedLog({ directory, files: unsyncedFiles, ...options }),
    remove: () => fs.rm(directory, { recursive: true }),
  };
}

/** Appends each group on its own, so that each is a frame of its own, and closes. */
export async function appendGroups(log: EventLog, groups: readonly (readonly NewRecord[])[]): Promise<void> {
  const writer = await log.openWriter();
  for (const group of groups) await writer.append(group);
  await writer.close();
}

/** The only partition of `clickstream-errors`, where the tests of the format do their damage. */
export function errorsDirectory(directory: string): string {
  return join(directory, 'clickstream-errors', '0');
}

export async function segmentFiles(directory: string): Promise<string[]> {
  const names = await fs.readdir(errorsDirectory(directory));
  return names
    .filter((name) => name.endsWith('.log'))
    .toSorted()
    .map((name) => join(errorsDirectory(directory), name));
}
