import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DeltaError } from '../delta-error.ts';
import { compareKeys, type ObjectStore, type StoredObject } from './object-store.ts';

/** An `ObjectStore` without durability, for tests and throw-away tables. */
export interface MemoryStore extends ObjectStore {
  /** Deletes the temporary directory that data files live in. Idempotent; the store is empty afterwards. */
  close(): void;
}

interface MemoryObject {
  readonly bytes: Buffer | undefined;
  readonly size: number;
  readonly modifiedMs: number;
}

/**
 * Answers conflicts as S3 does with `If-None-Match: *`. What is put stays in memory; what is adopted stays a
 * file in a temporary directory, since DuckDB reads and writes files only.
 */
export function memoryStore(clock: () => number = Date.now): MemoryStore {
  const objects = new Map<string, MemoryObject>();
  let directory: string | undefined;
  const temporaryRoot = (): string => (directory ??= mkdtempSync(join(tmpdir(), 'delta-memory-')));
  const pathOf = (key: string): string => join(temporaryRoot(), 'objects', key);
  const describe = (key: string, object: MemoryObject): StoredObject => ({
    key,
    size: object.size,
    modifiedMs: object.modifiedMs,
  });
  const put = (key: string, bytes: Uint8Array): void => {
    objects.set(key, { bytes: Buffer.from(bytes), size: bytes.byteLength, modifiedMs: clock() });
  };

  return {
    async get(key) {
      await nextTurn();
      const object = objects.get(key);
      if (object === undefined) throw notFound(key);
      return object.bytes ?? readFileSync(pathOf(key));
    },
    async put(key, bytes) {
      await nextTurn();
      put(key, bytes);
    },
    async putIfAbsent(key, bytes) {
      await nextTurn();
      if (objects.has(key)) return false;
      put(key, bytes);
      return true;
    },
    async head(key) {
      await nextTurn();
      const object = objects.get(key);
      return object && describe(key, object);
    },
    async *list(prefix, startAfter) {
      await nextTurn();
      const keys = [...objects.keys()].filter(
        (key) => key.startsWith(prefix) && (startAfter === undefined || compareKeys(key, startAfter) > 0),
      );
      for (const key of keys.sort(compareKeys)) {
        const object = objects.get(key);
        if (object !== undefined) yield describe(key, object);
      }
    },
    async remove(keys) {
      await nextTurn();
      for (const key of keys) {
        objects.delete(key);
        if (directory !== undefined) rmSync(pathOf(key), { force: true });
      }
    },
    location(key) {
      const path = pathOf(key);
      const bytes = objects.get(key)?.bytes;
      if (bytes !== undefined) {
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, bytes);
      }
      return path;
    },
    async createStaging() {
      await nextTurn();
      const staging = join(temporaryRoot(), 'staging', randomUUID());
      mkdirSync(staging, { recursive: true });
      return staging;
    },
    async adopt(files) {
      await nextTurn();
      return files.map(({ localPath, key }) => {
        mkdirSync(dirname(pathOf(key)), { recursive: true });
        renameSync(localPath, pathOf(key));
        const object = { bytes: undefined, size: statSync(pathOf(key)).size, modifiedMs: clock() };
        objects.set(key, object);
        return describe(key, object);
      });
    },
    async discardStaging(staging) {
      await nextTurn();
      rmSync(staging, { recursive: true, force: true });
    },
    // A writer that dies takes the store with it.
    leftovers: () => Promise.resolve([]),
    discardLeftovers: () => nextTurn(),
    close() {
      objects.clear();
      if (directory !== undefined) rmSync(directory, { recursive: true, force: true });
      directory = undefined;
    },
  };
}

/** Every call gives way once, so that concurrent writers really interleave. */
function nextTurn(): Promise<void> {
  return Promise.resolve();
}

function notFound(key: string): DeltaError {
  return new DeltaError({
    code: 'store-not-found',
    message: `${key} does not exist in the memory store.`,
    hint: 'Check the key.',
    details: { key },
  });
}
