import { mkdtemp, readFile, rm, stat, appendFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeFileSystem, noCrashPoints, type FileSystem } from '@clicklake/durable-files';
import type { Orchestrator } from '@clicklake/pipeline';
import { describe, expect, it } from 'vitest';
import { createEmbeddedOrchestrator } from '../../src/jobs/embedded-orchestrator.ts';
import { openRunHistory, readRunHistory, type RunHistory } from '../../src/jobs/run-history.ts';
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
