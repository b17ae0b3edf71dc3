import { describe, expect, it } from 'vitest';
import type { Orchestrator } from '@clicklake/pipeline';
import type { Job, JobStep } from '../../src/jobs/job.ts';

/** A job as the suite gives it to an implementation. */
export interface GivenJob {
  readonly job: Job;
  /** `off` or after each commit, as fast as it goes. */
  readonly schedule: 'off' | 'after-commits';
}

/** What an implementation of the port has to offer to be tested. */
export interface OrchestratorHarness {
  /** Opens one on the same record each time; pauses between attempts are short, and there are 3 attempts. */
  open(jobs: readonly GivenJob[]): Promise<Orchestrator>;
  /** Lets the process that holds the record die: nothing is closed. */
  abandon(orchestrator: Orchestrator): Promise<void>;
  remove(): Promise<void>;
}

export function stepOf(tables: readonly string[], run: JobStep['run']): JobStep {
  return { tables, run };
}

export function jobOf(name: string, tables: readonly string[], plan: Job['plan']): Job {
  return { name, description: `The job ${name}`, tables, plan };
}

const done = { did: 'something', facts: { rows: 3 } };

/** The contract of `Orchestrator`, for every implementation. */
export function orchestratorConformance(
  name: string,
  createHarness: () => Promise<OrchestratorHarness>,
): void {
  async function using(work: (harness: OrchestratorHarness) => Promise<void>): Promise<void> {
    const harness = await createHarness();
    try {
      await work(harness);
    } finally {
      await harness.remove();
    }
  }

  describe(`${name}: the contract of Orchestrator (S7.4)`, () => {
    it('runs a job that is asked for, and has it on record from its beginning', () =>
      using(async (harness) => {
        const seen: unknown[] = [];
        const job = jobOf('a', ['t'], () =>
          Promise.resolve([
            stepOf(['t'], () => {
              seen.push(orchestrator.runs({ limit: 5 })[0]?.outcome, orchestrator.health().running);
              return Promise.resolve(done);
            }),
          ]),
        );
        const orchestrator = await harness.open([{ job, schedule: 'off' }]);
        const run = await orchestrator.run('a');
        expect(seen).toEqual(['running', ['a']]);
        expect(run).toMatchObject({
          job: 'a',
          trigger: 'manual',
          attempt: 1,
          outcome: 'succeeded',
          did: 'something',
          facts: { rows: 3 },
          error: null,
        });
        expect(orchestrator.runs({ limit: 5 })).toEqual([run]);
        expect(orchestrator.jobs()).toMatchObject([
          { name: 'a', enabled: false, running: false, lastRun: run, failing: null },
        ]);
        await orchestrator.close();
        const again = await harness.open([{ job, schedule: 'off' }]);
        expect(again.runs({ limit: 5 })).toEqual([run]);
        expect((await again.run('a')).id).toBeGreaterThan(run.id);
        await again.close();
      }));

    it('never lets two runs write one table at once', () =>
      using(async (harness) => {
        const writing = new Set<string>();
        const clashes: string[] = [];
        const worker = (own: string, tables: readonly string[]): GivenJob => ({
          schedule: 'off',
          job: jobOf(own, tables, () =>
            Promise.resolve([
              stepOf(tables, async () => {
                clashes.push(...tables.filter((table) => writing.has(table)));
                for (const table of tables) writing.add(table);
                for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
                for (const table of tables) writing.delete(table);
                return done;
              }),
            ]),
          ),
        });
        const orchestrator = await harness.open([
          worker('ab', ['a', 'b']),
          worker('bc', ['b', 'c']),
          worker('c', ['c']),
          worker('d', ['d']),
        ]);
        const names = ['ab', 'bc', 'c', 'd', 'bc', 'ab', 'c', 'd'];
        await Promise.all(names.map((each) => orchestrator.run(each)));
        expect(clashes).toEqual([]);
        expect(orchestrator.runs({ limit: 50 })).toHaveLength(names.length);
        await orchestrator.close();
      }));

    it('lets runs of different tables go on side by side', () =>
      using(async (harness) => {
        const begun = { left: Promise.withResolvers<undefined>(), right: Promise.withResolvers<undefined>() };
        const sideBySide = (own: 'left' | 'right', other: 'left' | 'right'): GivenJob => ({
          schedule: 'off',
          job: jobOf(own, [own], () =>
            Promise.resolve([
              stepOf([own], async () => {
                begun[own].resolve(undefined);
                await begun[other].promise;
                return done;
              }),
            ]),
          ),
        });
        const orchestrator = await harness.open([sideBySide('left', 'right'), sideBySide('right', 'left')]);
        const runs = await Promise.all([orchestrator.run('left'), orchestrator.run('right')]);
        expect(runs.map(({ outcome }) => outcome)).toEqual(['succeeded', 'succeeded']);
        await orchestrator.close();
      }));

    it('begins by itself after a commit, once it was started, and makes no run of nothing', () =>
      using(async (harness) => {
        let toDo = 0;
        const ran = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()];
        let runs = 0;
        const planned: (() => void)[] = [];
        const job = jobOf('follows', ['t'], () => {
          planned.shift()?.();
          return Promise.resolve(
            toDo === 0
              ? []
              : [
                  stepOf(['t'], () => {
                    toDo = 0;
                    ran[runs++]?.resolve(undefined);
                    return Promise.resolve(done);
                  }),
                ],
          );
        });
        const orchestrator = await harness.open([{ job, schedule: 'after-commits' }]);
        toDo = 1;
        orchestrator.noteCommit();
        expect(orchestrator.runs({ limit: 5 })).toEqual([]);
        orchestrator.start();
        await ran[0]?.promise;
        const nothing = Promise.withResolvers<undefined>();
        planned.push(() => nothing.resolve(undefined));
        orchestrator.noteCommit();
        await nothing.promise;
        toDo = 1;
        orchestrator.noteCommit();
        await ran[1]?.promise;
        await orchestrator.close();
        const again = await harness.open([]);
        const record = again.runs({ limit: 5 });
        expect(record.map(({ outcome }) => outcome)).toEqual(['succeeded', 'succeeded']);
        expect(record[0]?.trigger).toBe('commit');
        await again.close();
      }));

    it('of runs by themselves that found nothing to do, one after another, keeps the newest on record', () =>
      using(async (harness) => {
        let looked = Promise.withResolvers<undefined>();
        const job = jobOf('idle', ['t'], () =>
          Promise.resolve([
            stepOf(['t'], () => {
              looked.resolve(undefined);
              return Promise.resolve({ did: null });
            }),
          ]),
        );
        const orchestrator = await harness.open([{ job, schedule: 'after-commits' }]);
        const ids: number[] = [];
        const look = async (): Promise<void> => {
          looked = Promise.withResolvers<undefined>();
          if (ids.length === 0) orchestrator.start();
          else orchestrator.noteCommit();
          await looked.promise;
          await expect.poll(() => orchestrator.health().running).toEqual([]);
          ids.push(orchestrator.runs({ limit: 1 })[0]?.id ?? 0);
        };
        await look();
        await look();
        await look();
        const asked = await orchestrator.run('idle');
        await look();
        await look();
        const last = ids.at(-1);
        expect(orchestrator.jobs()).toMatchObject([{ lastRun: { id: last, did: 'nothing to do' } }]);
        await orchestrator.close();
        const again = await harness.open([]);
        expect(again.runs({ limit: 50 }).map(({ id }) => id)).toEqual([last, asked.id, ids[2]]);
        expect(new Set(ids).size).toBe(5);
        await again.close();
      }));

    it('tries a run that failed again, a bounded number of times, and hides none of it until one succeeds', () =>
      using(async (harness) => {
        const attempts: number[] = [];
        let broken = true;
        const last = Promise.withResolvers<undefined>();
        const job = jobOf('breaks', ['t'], () =>
          Promise.resolve([
            stepOf(['t'], () => {
              if (!broken) return Promise.resolve(done);
              attempts.push(attempts.length + 1);
              if (attempts.length === 3) last.resolve(undefined);
              return Promise.reject(new Error(`no luck ${attempts.length}`));
            }),
          ]),
        );
        const orchestrator = await harness.open([{ job, schedule: 'after-commits' }]);
        orchestrator.start();
        await last.promise;
        await expect.poll(() => orchestrator.runs({ limit: 1 })[0]?.outcome).toBe('failed');
        const failed = orchestrator.runs({ job: 'breaks', failed: true, limit: 10 });
        expect(failed.map(({ attempt }) => attempt)).toEqual([3, 2, 1]);
        expect(failed.map(({ retryAt }) => retryAt !== null)).toEqual([false, true, true]);
        expect(failed[0]?.error).toMatchObject({ code: 'job-failed', message: 'no luck 3' });
        expect(orchestrator.health().failing).toMatchObject([
          { job: 'breaks', failedRuns: 3, since: failed[2]?.startedAt, error: { message: 'no luck 3' } },
        ]);
        expect(attempts).toEqual([1, 2, 3]);

        broken = false;
        const whole = { plan: (asked: boolean) => job.plan(asked), partial: false };
        await orchestrator.run('breaks', { ...whole, partial: true });
        expect(orchestrator.health().failing).toHaveLength(1);
        await orchestrator.run('breaks', whole);
        expect(orchestrator.health().failing).toEqual([]);
        expect(orchestrator.runs({ failed: true, limit: 10 })).toHaveLength(3);
        await orchestrator.close();
      }));

    it('tells whoever asked what a run failed with, as it was thrown', () =>
      using(async (harness) => {
        const failure = new Error('as it was');
        const job = jobOf('a', ['t'], () => Promise.reject(failure));
        const orchestrator = await harness.open([{ job, schedule: 'off' }]);
        await expect(orchestrator.run('a')).rejects.toBe(failure);
        expect(orchestrator.runs({ limit: 5 })).toMatchObject([{ outcome: 'failed', retryAt: null }]);
        await expect(orchestrator.run('b')).rejects.toMatchObject({ code: 'job-unknown' });
        await orchestrator.close();
        await expect(orchestrator.run('a')).rejects.toMatchObject({ code: 'job-stopped' });
      }));

    it('lets a run end cleanly when it is closed, and has it on record as interrupted', () =>
      using(async (harness) => {
        const begun = Promise.withResolvers<undefined>();
        const never = (signal: AbortSignal): Promise<never> =>
          new Promise((_, reject) => {
            begun.resolve(undefined);
            signal.addEventListener('abort', () => reject(signal.reason as Error));
          });
        const job = jobOf('long', ['t'], () => Promise.resolve([stepOf(['t'], never)]));
        const orchestrator = await harness.open([{ job, schedule: 'off' }]);
        const asked = orchestrator.run('long');
        const refused = expect(asked).rejects.toMatchObject({ code: 'job-stopped' });
        await begun.promise;
        await orchestrator.close();
        await refused;
        const again = await harness.open([{ job, schedule: 'off' }]);
        expect(again.runs({ limit: 5 })).toMatchObject([{ outcome: 'interrupted', error: null }]);
        expect(again.health().failing).toEqual([]);
        await again.close();
      }));

    it('shows what was under way when its process died as interrupted, and never as running', () =>
      using(async (harness) => {
        const begun = Promise.withResolvers<undefined>();
        const job = jobOf('cut off', ['t'], () =>
          Promise.resolve([
            stepOf(['t'], () => {
              begun.resolve(undefined);
              return new Promise<never>(() => undefined);
            }),
          ]),
        );
        const orchestrator = await harness.open([{ job, schedule: 'after-commits' }]);
        orchestrator.start();
        await begun.promise;
        await harness.abandon(orchestrator);
        const again = await harness.open([{ job, schedule: 'off' }]);
        expect(again.runs({ limit: 5 })).toMatchObject([{ outcome: 'interrupted', endedAt: null }]);
        expect(again.jobs()).toMatchObject([{ running: false }]);
        await again.close();
      }));

    it('a job that its process died under three times in a row is failing until it succeeds', () =>
      using(async (harness) => {
        let deadly = true;
        const job = jobOf('deadly', ['t'], () =>
          Promise.resolve([
            stepOf(['t'], () => (deadly ? new Promise<never>(() => undefined) : Promise.resolve(done))),
          ]),
        );
        const dieUnderIt = async (): Promise<void> => {
          const orchestrator = await harness.open([{ job, schedule: 'off' }]);
          void orchestrator.run('deadly');
          await expect.poll(() => orchestrator.runs({ limit: 1 })[0]?.outcome).toBe('running');
          await harness.abandon(orchestrator);
        };
        await dieUnderIt();
        await dieUnderIt();
        const twice = await harness.open([{ job, schedule: 'off' }]);
        expect(twice.health().failing).toEqual([]);
        await twice.close();
        await dieUnderIt();
        const again = await harness.open([{ job, schedule: 'off' }]);
        const [newest, , oldest] = again.runs({ limit: 5 });
        expect(again.health().failing).toMatchObject([
          {
            job: 'deadly',
            run: newest?.id,
            since: oldest?.startedAt,
            failedRuns: 3,
            error: { code: 'job-process-died', message: 'Its process died under it 3 times in a row.' },
          },
        ]);
        expect(again.jobs()).toMatchObject([{ failing: { job: 'deadly' } }]);
        deadly = false;
        await again.run('deadly');
        expect(again.health().failing).toEqual([]);
        await again.close();
      }));

    it('keeps a bounded record, in which other jobs and failures stay', () =>
      using(async (harness) => {
        let fails = true;
        const often = jobOf('often', ['t'], () =>
          fails ? Promise.reject(new Error('once')) : Promise.resolve([]),
        );
        const seldom = jobOf('seldom', ['u'], () => Promise.resolve([]));
        const orchestrator = await harness.open([
          { job: often, schedule: 'off' },
          { job: seldom, schedule: 'off' },
        ]);
        await orchestrator.run('seldom');
        await expect(orchestrator.run('often')).rejects.toThrow('once');
        fails = false;
        for (let count = 0; count < 1300; count += 1) await orchestrator.run('often');
        const all = orchestrator.runs({ limit: 10_000 });
        expect(all.length).toBeLessThan(400);
        expect(all.filter(({ job }) => job === 'seldom')).toHaveLength(1);
        expect(all.filter(({ outcome }) => outcome === 'failed')).toHaveLength(1);
        await orchestrator.close();
        const again = await harness.open([{ job: often, schedule: 'off' }]);
        expect(again.runs({ limit: 10_000 })).toEqual(all);
        await again.close();
      }));
  });
}
