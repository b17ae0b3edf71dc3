import { mkdir } from 'node:fs/promises';
import { openKeyStore, type KeyKind, type KeyStore, type WriteKey } from '@clicklake/collector';
import { readLockOwner } from '@clicklake/durable-files';
import { CliError } from '../cli-error.ts';
import type { CommandContext } from '../context.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { alignColumns } from '../terminal/columns.ts';

export interface NewKeyOptions {
  readonly name: string;
  readonly kind: KeyKind;
  readonly origins: readonly string[];
}

export async function listKeys(context: CommandContext): Promise<ExitCode> {
  const { terminal, json } = context;
  const keys = (await open(context)).list();
  if (json) terminal.json(keys);
  else {
    const rows = keys.map((key) => [key.name, key.kind, key.key, key.sourceId, originsOf(key)]);
    for (const line of alignColumns(['name', 'kind', 'key', 'source', 'origins'], rows)) terminal.data(line);
  }
  return exitCodes.ok;
}

export async function createKey(
  context: CommandContext,
  { name, kind, origins }: NewKeyOptions,
): Promise<ExitCode> {
  const { terminal, json } = context;
  const store = await open(context);
  const key = await store.create({ name, kind, ...(origins.length > 0 && { allowedOrigins: origins }) });
  if (json) terminal.json(key);
  else terminal.data(key.key);
  await sayWhen(context, 'takes the new key');
  return exitCodes.ok;
}

export async function revokeKey(context: CommandContext, nameOrKey: string): Promise<ExitCode> {
  const { terminal, json } = context;
  const store = await open(context);
  const found = store.list().filter(({ name, key }) => name === nameOrKey || key === nameOrKey);
  const [only] = found;
  if (only === undefined || found.length > 1) {
    throw new CliError({
      code: 'cli-not-found',
      message:
        only === undefined
          ? `There is no write key ${nameOrKey}.`
          : `Several write keys are named ${nameOrKey}.`,
      hint: '`clicklake keys` lists them; give the key itself.',
    });
  }
  await store.revoke(only.key);
  if (json) terminal.json({ revoked: only.key, name: only.name });
  else terminal.data(`Revoked ${only.name}.`);
  await sayWhen(context, 'refuses it');
  return exitCodes.ok;
}

async function open({ paths }: CommandContext): Promise<KeyStore> {
  await mkdir(paths.home, { recursive: true });
  return openKeyStore(paths.writeKeys);
}

/** The running collector looks at the file once a second. */
async function sayWhen({ terminal, paths }: CommandContext, what: string): Promise<void> {
  const collecting = await readLockOwner(paths.collectorLock);
  if (collecting === undefined) return;
  terminal.talk(`The running collector (process ${collecting.pid}) ${what} within a second.`);
}

function originsOf({ kind, allowedOrigins }: WriteKey): string {
  return kind === 'server' ? 'any sender' : allowedOrigins.join(' ');
}
