import { createInterface } from 'node:readline/promises';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { acquireLock, readLockOwner } from '@clicklake/durable-files';
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
  await refuseWhileOwned(context);
  if (!yes) await ask(context);
  // Nobody may start between the question and the deletion.
  const lock = await acquireLock(paths.ingestLock, 'reset', `the lake in ${paths.home}`);
  try {
    for (const name of doomed) {
      if (name !== 'ingest.lock') await rm(join(paths.home, name), { recursive: true, force: true });
    }
  } finally {
    await lock.release();
  }
  if (json) terminal.json({ deleted: doomed });
  else terminal.talk(`Deleted ${doomed.join(', ')} in ${paths.home}.`);
  return exitCodes.ok;
}

async function refuseWhileOwned({ paths }: CommandContext): Promise<void> {
  const owner = (await readLockOwner(paths.ingestLock)) ?? (await readLockOwner(paths.collectorLock));
  if (owner === undefined) return;
  throw new CliError({
    code: 'cli-owned-elsewhere',
    message: `Process ${owner.pid} (${owner.role}) works in ${paths.home}.`,
    hint: `Stop it first: kill ${owner.pid}.`,
    details: { pid: owner.pid },
  });
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
