import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { createJudgeOne } from '../../src/judging/judge-here.ts';
import { startJudgeThread, type JudgeThread } from '../../src/judging/judge-in-thread.ts';
import { createJudgeUnderLoad, type ThreadPolicy } from '../../src/judging/judge-under-load.ts';
import { batchOf, contract, maxEvents, said, taskOf } from './judge-conformance.ts';

const judgeOne = createJudgeOne(contract, maxEvents);
const always: ThreadPolicy = {
  startBytesPerSecond: 0,
  windowMs: 0,
  idleMs: 60_000,
  smallBody: 0,
  pauseAfterFailureMs: 0,
};

function underLoad(policy: Partial<ThreadPolicy>) {
  const threads: JudgeThread[] = [];
  const failures: unknown[] = [];
  const judge = createJudgeUnderLoad({
    judgeOne,
    startThread() {
      const thread = startJudgeThread({ contract, maxEvents, judgeOne });
      threads.push(thread);
      return thread;
    },
    onFailure: (error) => failures.push(error),
    policy: { ...always, ...policy },
  });
  onTestFinished(() => judge.close());
  const judgeBatch = () => judge.judge(taskOf(batchOf(100)), said);
  return { judge, judgeBatch, threads, failures };
}

test('a thread that dies fails what it had, and nothing else; another takes its place', async () => {
  const { judge, judgeBatch, threads, failures } = underLoad({});
  await judgeBatch();
  await threads[0]?.ready;
  expect(judge.hasThread()).toBe(true);

  // So many that the thread cannot have judged them all before its end reaches it.
  const tasks = Array.from({ length: 500 }, judgeBatch);
  expect(judge.pending()).toBeGreaterThan(0);
  threads[0]?.kill();
  const outcomes = await Promise.allSettled(tasks);
  const lost = outcomes.filter((outcome) => outcome.status === 'rejected');
  expect(lost.length).toBeGreaterThan(0);
  for (const { reason } of lost) {
    expect(reason).toMatchObject({ code: 'judging-failed', status: 503, retryAfterSeconds: 1 });
  }
  // In order: what was taken was taken first.
  const firstLost = outcomes.findIndex((outcome) => outcome.status === 'rejected');
  expect(outcomes.slice(firstLost)).toEqual(lost);
  expect(failures).toHaveLength(1);
  expect(judge.pending()).toBe(0);

  await expect(judgeBatch()).resolves.toMatchObject({ count: 100 });
  await threads[1]?.ready;
  expect(judge.hasThread()).toBe(true);
  await expect(judgeBatch()).resolves.toMatchObject({ count: 100 });
});

test('a thread that cannot even start is no reason not to judge', async () => {
  const broken = { ...contract, settings: { ...contract.settings, maxDepth: 0 } };
  const failures: unknown[] = [];
  const failed = Promise.withResolvers<undefined>();
  const judge = createJudgeUnderLoad({
    judgeOne,
    startThread: () => startJudgeThread({ contract: broken, maxEvents, judgeOne }),
    onFailure(error) {
      failures.push(error);
      failed.resolve(undefined);
    },
    policy: { ...always, pauseAfterFailureMs: 60_000 },
  });
  await expect(judge.judge(taskOf(batchOf(1)), said)).resolves.toMatchObject({ count: 1 });
  await failed.promise;
  await expect(judge.judge(taskOf(batchOf(1)), said)).resolves.toMatchObject({ count: 1 });
  // It is not tried again at once.
  expect(failures).toHaveLength(1);
  expect(judge.hasThread()).toBe(false);
  await judge.close();
});

test('there is a thread only while there is much to judge', async () => {
  const { judge, judgeBatch, threads } = underLoad({ startBytesPerSecond: 1e12 });
  await judgeBatch();
  await judgeBatch();
  expect(threads).toEqual([]);

  const busy = underLoad({ idleMs: 10 });
  await busy.judgeBatch();
  await busy.threads[0]?.ready;
  // Nobody sends any more: it ends by itself.
  await expect(busy.threads[0]?.ended).resolves.toBeUndefined();
  expect(busy.judge.hasThread()).toBe(false);
  await judge.close();
});

test('a small body does not wait for a thread that has nothing to do', async () => {
  const { judge, judgeBatch, threads } = underLoad({ smallBody: 1_000 });
  await judgeBatch();
  await threads[0]?.ready;
  let taken = false;
  const small = judge.judge(taskOf(batchOf(1)), () => (taken = true));
  expect(taken).toBe(true);
  await small;
  // But it does not overtake.
  const order: string[] = [];
  const large = judge.judge(taskOf(batchOf(100)), () => order.push('large'));
  const behind = judge.judge(taskOf(batchOf(1)), () => order.push('small'));
  await Promise.all([large, behind]);
  expect(order).toEqual(['large', 'small']);
});

test('a process that only waits for its thread to end does not end before it', async () => {
  const script = fileURLToPath(new URL('fixtures/judging-process.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=source', script]);
  expect(stdout).toBe('1 judged, ended\n');
});
