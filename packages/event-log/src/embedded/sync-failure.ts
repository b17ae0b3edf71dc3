/**
 * An fsync that failed, whatever its code: the kernel may have dropped the pages, so a second fsync that
 * succeeds proves nothing (S5.1).
 */
export class SyncFailure extends Error {
  constructor(cause: unknown) {
    super('fsync failed', { cause });
  }
}

export async function orSyncFailure(sync: Promise<void>): Promise<void> {
  try {
    await sync;
  } catch (error) {
    throw new SyncFailure(error);
  }
}
