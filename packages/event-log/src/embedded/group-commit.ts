import type { CrashPoints } from '@clicklake/durable-files';
import { EventLogError } from '../event-log-error.ts';
import { groupBuffer, type GroupBuffer } from './group-buffer.ts';
import type { PartitionWriter } from './partition-writer.ts';
import { orSyncFailure, SyncFailure } from './sync-failure.ts';

/** What collects while the group before it is being made durable. One buffer per partition. */
export interface Group {
  readonly buffers: readonly GroupBuffer[];
  readonly done: Promise<void>;
}

export interface GroupCommit {
  /** The group that appends go to now. */
  current(): Group;
  /** Sees to it that the current group is committed, after the one under way. */
  request(): void;
  /** Bytes that are encoded and not yet durable, those being written included. */
  pendingBytes(): number;
  /** Why nothing can be appended any more; undefined while the writer is sound. */
  failure(): EventLogError | undefined;
  /** Resolves when nothing is under way. */
  idle(): Promise<void>;
  /** Runs alone, between two commits. */
  exclusively<T>(work: () => Promise<T>): Promise<T>;
}

interface OpenGroup extends Group {
  resolve(): void;
  reject(error: EventLogError): void;
}

/**
 * One commit at a time: write to every touched partition, fsync them in parallel, publish, acknowledge. It
 * starts after the turn of the event loop in which it was requested, so that one turn's appends share it.
 */
export function groupCommit(
  partitions: readonly PartitionWriter[],
  crashPoints: CrashPoints,
  publish: () => Promise<void>,
): GroupCommit {
  let spare = partitions.map(() => groupBuffer());
  let collecting = openGroup(partitions.map(() => groupBuffer()));
  let committing: OpenGroup | undefined;
  let failure: EventLogError | undefined;
  let requested = false;
  /** The tail of the queue of commits and exclusive work; never rejects. */
  let tail: Promise<void> = Promise.resolve();

  function enqueue<T>(work: () => Promise<T>): Promise<T> {
    const result = tail.then(work);
    tail = result.then(
      () => undefined,
      () => undefined,
    );
    return result;
  }

  async function commitCollected(): Promise<void> {
    requested = false;
    if (failure !== undefined) return;
    const group = collecting;
    collecting = openGroup(spare);
    spare = [];
    committing = group;
    try {
      await makeDurable(group);
      group.resolve();
    } catch (error) {
      await giveUp(group, error);
    }
    for (const buffer of group.buffers) buffer.clear();
    spare = [...group.buffers];
    committing = undefined;
  }

  async function makeDurable(group: Group): Promise<void> {
    const touched = partitions.flatMap((partition, index) => {
      const buffer = group.buffers[index];
      return buffer === undefined || buffer.count === 0 ? [] : [{ partition, buffer }];
    });
    await settleAll(touched.map(({ partition, buffer }) => partition.write(buffer)));
    crashPoints.reach('log-after-write-before-sync');
    await orSyncFailure(settleAll(touched.map(({ partition }) => partition.sync())));
    for (const { partition, buffer } of touched) partition.advance(buffer);
    await orSyncFailure(publish());
    crashPoints.reach('log-after-sync-before-ack');
  }

  /**
   * Nothing of the group is accepted, nor of what was given offsets after it. It is cut off even after a failed
   * fsync: the kernel may show pages that the disk never got, and a recovery would believe them.
   */
  async function giveUp(group: OpenGroup, error: unknown): Promise<void> {
    let reason = isOutOfSpace(error) ? logFull(error) : undefined;
    try {
      for (const partition of partitions) await partition.rollBack();
    } catch {
      reason = undefined;
    }
    if (reason === undefined)
      failure = reason = writerFailed(error instanceof SyncFailure ? error.cause : error);
    const after = collecting;
    collecting = openGroup(partitions.map(() => groupBuffer()));
    group.reject(reason);
    after.reject(reason);
  }

  return {
    current: () => collecting,
    pendingBytes: () => bytesOf(collecting) + (committing === undefined ? 0 : bytesOf(committing)),
    request() {
      if (requested) return;
      requested = true;
      void enqueue(async () => {
        await new Promise((resolve) => setImmediate(resolve));
        await commitCollected();
      });
    },
    failure: () => failure,
    idle: () => tail,
    exclusively: enqueue,
  };
}

function bytesOf(group: Group): number {
  return group.buffers.reduce((sum, buffer) => sum + buffer.bytes, 0);
}

function openGroup(buffers: readonly GroupBuffer[]): OpenGroup {
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  // Every append hears of a failure itself; a group that none appended to has nobody to hear of it.
  promise.catch(() => undefined);
  return {
    buffers,
    done: promise,
    resolve: () => resolve(undefined),
    reject,
  };
}

/** Waits for all, so that no write goes on behind a roll-back, then throws the first failure. */
async function settleAll(work: readonly Promise<void>[]): Promise<void> {
  const settled = await Promise.allSettled(work);
  const failed = settled.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

function isOutOfSpace(error: unknown): boolean {
  return (
    error instanceof Error && 'code' in error && ['ENOSPC', 'EDQUOT', 'EFBIG'].includes(String(error.code))
  );
}

function logFull(cause: unknown): EventLogError {
  return new EventLogError({
    code: 'log-full',
    message: 'The disk has no room for more events; none of these was accepted.',
    hint: 'Free space on the disk of the event log, or shorten its retention; appending goes on by itself.',
    retryable: true,
    details: { limit: 'disk' },
    cause,
  });
}

function writerFailed(cause: unknown): EventLogError {
  return new EventLogError({
    code: 'log-writer-failed',
    message: `Writing the event log failed: ${cause instanceof Error ? cause.message : String(cause)}.`,
    hint: 'Check the disk, then restart: the log is recovered when it is opened again.',
    cause,
  });
}
