import { mkdtemp, readFile, rm, stat, appendFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeFileSystem, noCrashPoints, type FileSystem } from '@clicklake/durable-files';
import type { Orchestrator } from '@clicklake/pipeline';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createEmbeddedOrchestrator } from '../../src/jobs/embedded-orchestrator.ts';
import { openRunHistory, readRunHistory, type RunHistory } from '../../src/jobs/run-history.ts';
import type { Schedule } from '../../src/jobs/schedule.ts';
import { createTableClaims } from '../../src/jobs/table-claims.ts';
import { jobOf, orchestratorConformance, stepOf, type GivenJob } from './orchestrator-conformance.ts';

async function openIn(
  directory: string,
  jobs: readonly GivenJob[],
  files = nodeFileSystem,
): Promise<Orchestrator> {
  return open(jobs, await openRunHistory({ directory, files }));
}

function open(jobs: readonly GivenJob[], history: RunHistory): Orchestrator {
  return createEmbeddedOrchestrator({
    jobs: jobs.map(({ job, schedule }) => ({
      job,
      schedule: { kind: schedule },
      pace: { commits: 1, leastMs: 0, restFactor: 0 },
    })),
    history,
    claims: createTableClaims(),
    retries: { attempts: 3, firstPauseMs: 1, longestPauseMs: 4, restMs: 1_000_000 },
    webhook: null,
    crashPoints: noCrashPoints,
    clock: Date.now,
    random: () => 0.5,
  });
}

const scratch = (): Promise<string> => mkdtemp(join(tmpdir(), 'clicklake-jobs-'));

orchestratorConformance('the embedded orchestrator', async () => {
  const directory = await scratch();
  const histories = new Map<Orchestrator, RunHistory>();
  return {
    async open(jobs) {
      const history = await openRunHistory({ directory, files: nodeFileSystem });
      const orchestrator = open(jobs, history);
      histories.set(orchestrator, history);
      return orchestrator;
    },
    // Of a process that died nothing is left but the file.
    abandon: async (orchestrator) => histories.get(orchestrator)?.close(),
    remove: () => rm(directory, { recursive: true }),
  };
});

const quick = jobOf('quick', ['t'], () =>
  Promise.resolve([stepOf(['t'], () => Promise.resolve({ did: 'it' }))]),
);

describe('the record on the disk', () => {
  it('is read past a line that was cut off, and goes on after it', async () => {
    const directory = await scratch();
    const first = await openIn(directory, [{ job: quick, schedule: 'off' }]);
    const { id } = await first.run('quick');
    await first.close();
    await appendFile(join(directory, 'runs.jsonl'), '{"id":99,"job":"qui');
    const again = await openIn(directory, [{ job: quick, schedule: 'off' }]);
    expect(again.runs({ limit: 5 }).map((run) => run.id)).toEqual([id]);
    await again.run('quick');
    await again.close();
    expect(await readRunHistory(nodeFileSystem, directory, false)).toHaveLength(2);
    await rm(directory, { recursive: true });
  });

  it('stays small however many runs there are', async () => {
    const directory = await scratch();
    const orchestrator = await openIn(directory, [{ job: quick, schedule: 'off' }]);
    for (let count = 0; count < 1500; count += 1) await orchestrator.run('quick');
    await orchestrator.close();
    const lines = (await readFile(join(directory, 'runs.jsonl'), 'utf8')).split('\n').length;
    expect(lines).toBeLessThan(1500);
    expect((await stat(join(directory, 'runs.jsonl'))).size).toBeLessThan(600_000);
    await rm(directory, { recursive: true });
  });

  it('tells a reader beside its owner what runs, and one without an owner that it was interrupted', async () => {
    const directory = await scratch();
    const begun = Promise.withResolvers<undefined>();
    const end = Promise.withResolvers<undefined>();
    const slow = jobOf('slow', ['t'], () =>
      Promise.resolve([
        stepOf(['t'], async () => {
          begun.resolve(undefined);
          await end.promise;
          return { did: null };
        }),
      ]),
    );
    const orchestrator = await openIn(directory, [{ job: slow, schedule: 'off' }]);
    const running = orchestrator.run('slow');
    await begun.promise;
    expect(await readRunHistory(nodeFileSystem, directory, true)).toMatchObject([{ outcome: 'running' }]);
    expect(await readRunHistory(nodeFileSystem, directory, false)).toMatchObject([
      { outcome: 'interrupted' },
    ]);
    end.resolve(undefined);
    await running;
    await orchestrator.close();
    await rm(directory, { recursive: true });
  });

  it('that cannot be written keeps no job from running, says so, and is made up for', async () => {
    const directory = await scratch();
    let full = false;
    const files: FileSystem = {
      ...nodeFileSystem,
      async open(path, mode) {
        if (full && mode === 'create') throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
        const file = await nodeFileSystem.open(path, mode);
        return {
          ...file,
          write: (buffers, position) =>
            full
              ? Promise.reject(Object.assign(new Error('no space left'), { code: 'ENOSPC' }))
              : file.write(buffers, position),
        };
      },
    };
    const orchestrator = await openIn(directory, [{ job: quick, schedule: 'off' }], files);
    full = true;
    expect(await orchestrator.run('quick')).toMatchObject({ outcome: 'succeeded' });
    expect(orchestrator.health().recordProblem).toMatchObject({
      hint: expect.stringContaining('disk is full') as string,
    });
    full = false;
    await orchestrator.run('quick');
    expect(orchestrator.health().recordProblem).toBeNull();
    await orchestrator.close();
    expect(await readRunHistory(nodeFileSystem, directory, false)).toMatchObject([
      { outcome: 'succeeded' },
      { outcome: 'succeeded' },
    ]);
    await rm(directory, { recursive: true });
  });
});

describe('when a job begins (S7.4)', () => {
  const beganAt = Date.UTC(2026, 0, 1, 2, 59);
  let directory: string;
  let orchestrator: Orchestrator;
  let claims: ReturnType<typeof createTableClaims>;
  /** When each run was planned, in ms since the start. */
  let planned: number[];
  let work: () => Promise<{ did: string | null }>;

  beforeEach(async () => {
    directory = await scratch();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'], now: beganAt });
    claims = createTableClaims();
    planned = [];
    work = takes(0);
  });

  afterEach(async () => {
    vi.useRealTimers();
    await orchestrator.close();
    await rm(directory, { recursive: true });
  });

  /** Work that ends so much later by every clock. */
  function takes(ms: number, failure?: Error): typeof work {
    return () => {
      vi.advanceTimersByTime(ms);
      return failure === undefined ? Promise.resolve({ did: 'it' }) : Promise.reject(failure);
    };
  }

  async function start(schedule: Schedule): Promise<void> {
    const zero = performance.now();
    const job = jobOf('paced', ['t'], () => {
      planned.push(performance.now() - zero);
      return Promise.resolve([stepOf(['t'], () => work())]);
    });
    orchestrator = createEmbeddedOrchestrator({
      jobs: [{ job, schedule, pace: { commits: 1, leastMs: 5_000, restFactor: 4 } }],
      history: await openRunHistory({ directory, files: nodeFileSystem }),
      claims,
      retries: { attempts: 2, firstPauseMs: 1_000, longestPauseMs: 4_000, restMs: 60_000 },
      webhook: null,
      crashPoints: noCrashPoints,
      clock: Date.now,
      random: () => 0,
    });
    orchestrator.start();
  }

  /** What polls would move the clock. */
  async function until(condition: () => boolean): Promise<void> {
    for (let turns = 0; !condition() && turns < 1_000_000; turns += 1)
      await new Promise((resolve) => setImmediate(resolve));
    expect(condition()).toBe(true);
  }

  const onRecord = (): number => orchestrator.runs({ limit: 100 }).length;
  /** So many runs are on record, and none is under way. */
  const idle = (runs: number): Promise<void> =>
    until(() => onRecord() === runs && orchestrator.health().running.length === 0);

  /** It begins after so many ms, and not a moment earlier. */
  function expectNextIn(ms: number): void {
    const before = planned.length;
    vi.advanceTimersByTime(ms - 1);
    expect(planned).toHaveLength(before);
    vi.advanceTimersByTime(1);
    expect(planned).toHaveLength(before + 1);
  }

  const afterCommits: Schedule = { kind: 'after-commits' };

  it('max(5 s, 4 × the last work) after the last began, and only after a commit', async () => {
    await start(afterCommits);
    work = takes(3_000);
    expectNextIn(5_000);
    await idle(1);
    vi.advanceTimersByTime(4_000);
    orchestrator.noteCommit();
    work = takes(10);
    expectNextIn(12_000 - 3_000 - 4_000);
    await idle(2);
    orchestrator.noteCommit();
    expectNextIn(5_000 - 10);
    await idle(3);
    vi.advanceTimersByTime(3_600_000);
    expect(planned).toEqual([5_000, 17_000, 22_000]);
  });

  it('a wait for the tables is no beginning', async () => {
    await start(afterCommits);
    const begun = Promise.withResolvers<undefined>();
    const held = Promise.withResolvers<undefined>();
    const holder = claims.hold(['t'], () => held.promise);
    work = () => {
      begun.resolve(undefined);
      return takes(1_000)();
    };
    expectNextIn(5_000);
    await until(() => onRecord() === 1);
    vi.advanceTimersByTime(20_000);
    held.resolve(undefined);
    await holder;
    await begun.promise;
    await idle(1);
    orchestrator.noteCommit();
    expectNextIn(5_000 - 1_000);
    await idle(2);
  });

  it('again after a failure, but not closer than the pace; its record says when', async () => {
    await start(afterCommits);
    work = takes(3_000, new Error('no luck'));
    expectNextIn(5_000);
    await idle(1);
    const at = new Date(beganAt + 17_000).toISOString();
    expect(orchestrator.runs({ limit: 1 })).toMatchObject([{ outcome: 'failed', retryAt: at }]);
    expect(orchestrator.jobs()).toMatchObject([{ nextRunAt: at }]);
    work = takes(30_000, new Error('no luck'));
    expectNextIn(12_000 - 3_000);
    await idle(2);
    // The last attempt was 4 × 30 s of work, which is more than the rest of 60 s.
    orchestrator.noteCommit();
    expectNextIn(120_000 - 30_000);
    await idle(3);
  });

  it('a run that somebody asks for counts: none by itself meanwhile, nor closer to it than the pace', async () => {
    await start(afterCommits);
    const begun = Promise.withResolvers<undefined>();
    const end = Promise.withResolvers<undefined>();
    work = async () => {
      begun.resolve(undefined);
      await end.promise;
      return { did: 'it' };
    };
    const asked = orchestrator.run('paced');
    await begun.promise;
    vi.advanceTimersByTime(6_000);
    orchestrator.noteCommit();
    expect(planned).toEqual([0]);
    end.resolve(undefined);
    await asked;
    work = takes(0);
    expectNextIn(24_000 - 6_000);
    await idle(2);
  });

  it('at the times that a cron expression names, in UTC, also when the clock was set', async () => {
    await start({ kind: 'cron', expression: '0 3 * * *' });
    orchestrator.noteCommit();
    expectNextIn(60_000);
    await idle(1);
    expect(orchestrator.runs({ limit: 1 })).toMatchObject([
      { trigger: 'cron', startedAt: '2026-01-01T03:00:00.000Z' },
    ]);
    expect(orchestrator.jobs()).toMatchObject([{ nextRunAt: '2026-01-02T03:00:00.000Z' }]);
    vi.setSystemTime(Date.UTC(2026, 0, 2, 2, 59, 50));
    vi.advanceTimersByTime(30_000);
    expect(planned).toHaveLength(2);
    await idle(2);
  });
});
