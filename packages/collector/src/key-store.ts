import { hash } from 'node:crypto';
import { chmod, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { acquireLock, DurableFilesError, nodeFileSystem, type Lock } from '@clicklake/durable-files';
import { Type, type Static } from 'typebox';
import { Value } from 'typebox/value';
import { CollectorError } from './collector-error.ts';
import { allowsOrigin, generateWriteKey, type NewWriteKey, type WriteKey } from './write-key.ts';

export interface KeyStore {
  /** The key with this secret; looked up by its hash, so that timing tells nothing about other keys. */
  find(secret: string): WriteKey | undefined;
  /** Whether some key could be used from this origin: all that a preflight can ask. */
  allowsOrigin(origin: string): boolean;
  list(): readonly WriteKey[];
  /** Durable when resolved. @throws CollectorError `key-option-invalid`. */
  create(wanted: NewWriteKey): Promise<WriteKey>;
  /** False when there is no such key. From then on it is refused, by this process at once. */
  revoke(secret: string): Promise<boolean>;
}

/** The keys of a file that other processes may change: `clicklake keys` does while a collector runs. */
export interface FileKeyStore extends KeyStore {
  /**
   * Takes over what others have made of the file since it was read last: a look at its time and size when nothing has.
   *
   * @throws CollectorError `keys-file-invalid`; the keys known until then stay.
   */
  refresh(): Promise<void>;
}

const KeysFile = Type.Object({
  version: Type.Literal(1),
  keys: Type.Array(
    Type.Object({
      key: Type.String({ minLength: 16 }),
      sourceId: Type.String({ minLength: 1, maxLength: 128 }),
      name: Type.String({ minLength: 1 }),
      kind: Type.Union([Type.Literal('browser'), Type.Literal('server')]),
      allowedOrigins: Type.Array(Type.String()),
      rateLimitDeadLettersPerMinute: Type.Number({ exclusiveMinimum: 0 }),
    }),
  ),
});

/**
 * Opens the file of write keys (`$CLICKLAKE_HOME/secrets/keys.json`), making it, its directory (0700) and one
 * browser and one server key when it is absent. The file is readable by its owner only.
 *
 * @throws CollectorError `keys-file-invalid`.
 */
export async function openKeyStore(path: string): Promise<FileKeyStore> {
  // Before it is read: what changes in between is then seen as a change.
  let seen = await signatureOf(path);
  const existing = await readKeys(path);
  const keys = existing ?? [
    generateWriteKey({ name: 'browser', kind: 'browser', sourceId: 'web' }),
    generateWriteKey({ name: 'server', kind: 'server', sourceId: 'server' }),
  ];
  if (existing === undefined) await writeKeys(path, keys);
  const store = storeOf(keys, async (plan) => {
    const lock = await lockFor(path);
    try {
      // What another process has changed meanwhile stays changed.
      const planned = plan([...((await readKeys(path)) ?? [])]);
      await writeKeys(path, planned.keys);
      return planned;
    } finally {
      await lock.release();
    }
  });
  return {
    ...store,
    async refresh() {
      const now = await signatureOf(path);
      if (now === seen) return;
      const changed = await readKeys(path);
      if (changed !== undefined) store.replace(changed);
      seen = now;
    },
  };
}

/** Keys that live only as long as the process: for tests and embedding. */
export function createKeyStore(keys: readonly WriteKey[]): KeyStore {
  return storeOf(keys, (plan, known) => Promise.resolve(plan([...known])));
}

interface Planned<T> {
  readonly keys: WriteKey[];
  readonly answer: T;
}

/** @param save makes a change to the keys that are kept, or to those known where nothing else is, and keeps it. */
function storeOf(
  initial: readonly WriteKey[],
  save: <T>(plan: (keys: WriteKey[]) => Planned<T>, known: Iterable<WriteKey>) => Promise<Planned<T>>,
): KeyStore & { replace(keys: readonly WriteKey[]): void } {
  let byHash = indexed(initial);
  let lastChange: Promise<unknown> = Promise.resolve();

  /** Changes one after another, each visible only once it is on disk. */
  function change<T>(plan: (keys: WriteKey[]) => Planned<T>): Promise<T> {
    const changed = lastChange.then(async () => {
      const { keys, answer } = await save(plan, byHash.values());
      byHash = indexed(keys);
      return answer;
    });
    lastChange = changed.catch(() => undefined);
    return changed;
  }

  return {
    find: (secret) => byHash.get(hash('sha256', secret)),
    allowsOrigin: (origin) => [...byHash.values()].some((key) => allowsOrigin(key, origin)),
    list: () => [...byHash.values()],
    create: (wanted) =>
      change((keys) => {
        const key = generateWriteKey(wanted);
        return { keys: [...keys, key], answer: key };
      }),
    revoke: (secret) =>
      change((keys) => {
        const kept = keys.filter((key) => key.key !== secret);
        return { keys: kept, answer: kept.length < keys.length };
      }),
    replace(keys) {
      byHash = indexed(keys);
    },
  };
}

/** Others hold it for as long as they write one small file. */
const lockTries = 100;
const lockPauseMs = 50;

async function lockFor(path: string): Promise<Lock> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await acquireLock(`${path}.lock`, 'keys', `the write keys in ${path}`);
    } catch (error) {
      if (!(error instanceof DurableFilesError) || tries === lockTries) throw error;
      await setTimeout(lockPauseMs);
    }
  }
}

/** Changes with every rewrite of the file; empty while there is none. */
async function signatureOf(path: string): Promise<string> {
  try {
    const { ino, size, mtimeNs } = await stat(path, { bigint: true });
    return `${ino} ${size} ${mtimeNs}`;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw error;
  }
}

function indexed(keys: readonly WriteKey[]): Map<string, WriteKey> {
  return new Map(keys.map((key) => [hash('sha256', key.key), key]));
}

async function readKeys(path: string): Promise<readonly WriteKey[] | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  // Whoever restored it from a backup may have widened its mode.
  await chmod(path, 0o600);
  return parseKeys(path, text).keys;
}

function parseKeys(path: string, text: string): Static<typeof KeysFile> {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    throw invalidFile(path, 'it is not JSON', error);
  }
  if (Value.Check(KeysFile, content)) return content;
  const first = Value.Errors(KeysFile, content)[0];
  throw invalidFile(path, `${first?.instancePath ?? ''} ${first?.message ?? ''}`.trim(), undefined);
}

function invalidFile(path: string, why: string, cause: unknown): CollectorError {
  return new CollectorError({
    code: 'keys-file-invalid',
    message: `The write keys in ${path} cannot be read: ${why}.`,
    hint: 'Repair the file, or move it away: the next start makes new keys, and every sender needs one of them.',
    details: { path },
    cause,
  });
}

/** As `writeFileDurably`, but with mode 0600 from the first moment on, which the FileSystem port cannot ask for. */
async function writeKeys(path: string, keys: readonly WriteKey[]): Promise<void> {
  const directory = dirname(path);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const temporary = `${path}.${process.pid}.tmp`;
  await rm(temporary, { force: true });
  const file = await open(temporary, 'wx', 0o600);
  try {
    await file.writeFile(`${JSON.stringify({ version: 1, keys }, undefined, 2)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  await nodeFileSystem.syncDirectory(directory);
}
