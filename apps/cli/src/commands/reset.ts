import { createInterface } from 'node:readline/promises';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { acquireLock, nodeFileSystem, type Lock } from '@clicklake/durable-files';
import { isClicklakeError } from '@clicklake/errors';
import { lockForWriting } from '@clicklake/event-log';
import { CliError } from '../cli-error.ts';
import type { CommandContext } from '../context.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';

/** What clicklake puts into its home; anything else there is not ours to delete. */
const ours: ReadonlySet<string> = new Set([
  'log',
  'lake',
  'state',
  'jobs',
  'secrets',
  'sql-history',
  'ingest.lock',
  'collector.lock',
]);

const heldLocks: ReadonlySet<string> = new Set(['ingest.lock', 'collector.lock']);

export interface ResetOptions {
  /** Do not ask. */
  readonly yes: boolean;
  /** Leave the write keys and the API token. */
  readonly keepKeys: boolean;
}

/** Deletes everything that was collected; refuses while a process works with it. */
export async function reset(context: CommandContext, { yes, keepKeys }: ResetOptions): Promise<ExitCode> {
  const { terminal, paths, json } = context;
  const names = await readdir(paths.home).catch(() => []);
  const doomed = names.filter((name) => ours.has(name) && !(keepKeys && name === 'secrets'));
  if (doomed.length === 0) {
    if (json) terminal.json({ deleted: [] });
    else terminal.talk(`There is nothing in ${paths.home}.`);
    return exitCodes.ok;
  }
  await (await lockAll(context)).disposeAsync();
  if (!yes) await ask(context);
  // Nobody may start between the question and the deletion.
  const locks = await lockAll(context);
  try {
    for (const name of doomed) {
      // What we hold goes when it is released, last.
      if (!heldLocks.has(name)) await rm(join(paths.home, name), { recursive: true, force: true });
    }
  } finally {
    await locks.disposeAsync();
  }
  if (json) terminal.json({ deleted: doomed });
  else terminal.talk(`Deleted ${doomed.join(', ')} in ${paths.home}.`);
  return exitCodes.ok;
}

/** Every lock that a process which writes into the home would hold. @throws CliError `cli-owned-elsewhere`. */
async function lockAll({ paths }: CommandContext): Promise<AsyncDisposableStack> {
  await using locks = new AsyncDisposableStack();
  const hold = async (lock: Promise<Lock>): Promise<unknown> =>
    locks.adopt(await lock.catch(refuse), (own) => own.release());
  await hold(acquireLock(paths.ingestLock, 'reset', `the lake in ${paths.home}`));
  await hold(acquireLock(paths.collectorLock, 'reset', `the collector of ${paths.home}`));
  if ((await nodeFileSystem.stat(paths.log)) !== undefined) await hold(lockForWriting(paths.log, 'reset'));
  return locks.move();

  function refuse(error: unknown): never {
    const owner = isClicklakeError(error) ? error.details : {};
    const { pid, role } = owner as { readonly pid?: number; readonly role?: string };
    if (pid === undefined) throw error;
    throw new CliError({
      code: 'cli-owned-elsewhere',
      message: `Process ${pid} (${role}) works in ${paths.home}.`,
      hint: `Stop it first: kill ${pid}.`,
      details: { pid },
      cause: error,
    });
  }
}

async function ask({ effects, paths, terminal }: CommandContext): Promise<void> {
  if (effects.stdin.isTTY !== true) {
    throw new CliError({
      code: 'cli-refused',
      message: 'Nobody can be asked here.',
      hint: 'Pass --yes to delete without a question.',
    });
  }
  const lines = createInterface({ input: effects.stdin, output: effects.stderr });
  try {
    const answer = await lines.question(
      `${terminal.talkStyle.red('Delete')} every event and table in ${paths.home}? Type yes: `,
    );
    if (answer.trim().toLowerCase() === 'yes') return;
  } finally {
    lines.close();
  }
  throw new CliError({ code: 'cli-refused', message: 'Nothing was deleted.', hint: 'Type yes to agree.' });
}
