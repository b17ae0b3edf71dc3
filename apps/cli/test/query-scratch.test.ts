import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { queryScratch, removeAbandonedQueryScratch } from '../src/system/query-scratch.ts';

it('what a killed process left of its queries is removed, what a running one has is not', async () => {
  const state = await mkdtemp(join(tmpdir(), 'clicklake-scratch-'));
  const scratch = join(state, 'scratch');
  const { pid: gone } = spawnSync(process.execPath, ['--version']);
  const running = `scratch-query-${process.ppid}-tail`;
  for (const name of [`scratch-query-${gone}`, `scratch-query-${gone}-tail`, running, 'dedupe']) {
    await mkdir(join(state, name));
  }
  await mkdir(join(queryScratch(scratch), 'left by an earlier process of the same id'), { recursive: true });
  await removeAbandonedQueryScratch(scratch);
  expect((await readdir(state)).sort()).toEqual(['dedupe', running]);
  await rm(state, { recursive: true });
});
