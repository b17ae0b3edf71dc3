import type { LakeAdmin } from '@clicklake/server';
import { readLockOwner } from '@clicklake/durable-files';
import type { CommandContext } from '../context.ts';
import { readApiToken } from './api-token.ts';
import type { AdminClient } from './admin-client.ts';
import type { OpenedLake } from './open-lake.ts';
import { findOwner, type ReachableOwner } from './find-owner.ts';

/** How a command got at the lake. */
export interface LakeAccess {
  readonly admin: LakeAdmin;
  /** The process that carries it out; undefined: this one. */
  readonly owner: ReachableOwner | undefined;
  /** Records that the answer leaves out, because no process shows the tail (S6.1); 0 through an owner. */
  uncommitted(): Promise<number>;
}

/** For commands that only read: through the owner when it runs and answers, else over the committed tables. */
export async function readLake<T>(
  context: CommandContext,
  use: (access: LakeAccess) => Promise<T>,
): Promise<T> {
  const found = await readLockOwner(context.paths.ingestLock);
  // An owner without an API is a one-off command: it hides nothing that the tables do not show.
  if (found?.role === 'up' || found?.role === 'ingest' || found?.url != null) {
    const owner = await findOwner(context.paths.ingestLock);
    if (owner !== undefined) return use(await remoteAccess(context, owner));
  }
  const { openForReading } = await import('./open-lake.ts');
  return useAndClose(await openForReading(context), use);
}

/**
 * For commands that write: through the owner, or as its owner for the time of the command (S6.3).
 *
 * @throws CliError `cli-owned-elsewhere`
 */
export async function writeLake<T>(
  context: CommandContext,
  role: string,
  use: (access: LakeAccess) => Promise<T>,
): Promise<T> {
  const owner = await findOwner(context.paths.ingestLock);
  if (owner !== undefined) return use(await remoteAccess(context, owner));
  const { openForWriting } = await import('./open-lake.ts');
  return useAndClose(await openForWriting(context, role), use);
}

/** The admin API of a running owner. */
export async function connectTo(context: CommandContext, owner: ReachableOwner): Promise<AdminClient> {
  const { createAdminClient } = await import('./admin-client.ts');
  return createAdminClient(owner.url, await readApiToken(context.paths.apiToken));
}

async function remoteAccess(context: CommandContext, owner: ReachableOwner): Promise<LakeAccess> {
  return { admin: await connectTo(context, owner), owner, uncommitted: () => Promise.resolve(0) };
}

async function useAndClose<T>(opened: OpenedLake, use: (access: LakeAccess) => Promise<T>): Promise<T> {
  try {
    return await use({ admin: opened.admin, owner: undefined, uncommitted: () => opened.lake.uncommitted() });
  } finally {
    await opened.close();
  }
}
