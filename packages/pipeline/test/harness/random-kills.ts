import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { integerBelow, seededRandom } from '@clicklake/durable-files/testing';
import { expect } from 'vitest';
import { silverIds } from './expectations.ts';
import { testLakeAt } from './test-lake.ts';

/**
 * Kills a process that appends and ingests at random moments, again and again, and looks at what is left: every
 * acknowledged event is in Silver exactly once, and the deep ledger balances.
 *
 * @param looks after so many kills the lake is looked at each time, and at the end.
 * @returns how many events were acknowledged.
 */
export async function surviveRandomKills(seed: number, kills: number, looks: number): Promise<number> {
  const directory = await mkdtemp(join(tmpdir(), 'clicklake-kills-'));
  const home = join(directory, 'home');
  const acknowledged = join(directory, 'acknowledged');
  const random = seededRandom(seed);
  await writeFile(acknowledged, '');
  try {
    let known = 0;
    for (let kill = 1; kill <= kills; kill += 1) {
      const task = JSON.stringify({ home, prefix: `k${kill}`, acknowledged });
      await killAfter(task, integerBelow(random, 450));
      if (kill % looks === 0 || kill === kills) known = await expectNothingLost(home, acknowledged);
    }
    return known;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Starts the process and kills it so many milliseconds after it began to work. */
function killAfter(task: string, ms: number): Promise<void> {
  const program = join(import.meta.dirname, 'working-process.ts');
  const child = spawn(process.execPath, ['--conditions=source', '--no-warnings', program, task], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return new Promise((resolve, reject) => {
    let errors = '';
    let killed = false;
    child.stderr.on('data', (text: Buffer) => (errors += text.toString()));
    child.stdout.once('data', () => {
      void delay(ms).then(() => {
        killed = true;
        child.kill('SIGKILL');
      });
    });
    child.once('close', () => {
      if (killed) resolve();
      else reject(new Error(`The process ended by itself: ${errors}`));
    });
  });
}

async function expectNothingLost(home: string, acknowledged: string): Promise<number> {
  const owner = await testLakeAt(home).open();
  await owner.catchUp(() => undefined);
  expect(await owner.ledger({ deep: true })).toMatchObject({
    balanced: true,
    in_flight: 0,
    unreadable: 0,
    deep: { missing: [], repeated: [] },
  });
  const ids = await silverIds(owner);
  const found = new Set(ids);
  expect(found.size).toBe(ids.length);
  const lines = (await readFile(acknowledged, 'utf8')).split('\n').filter((line) => line !== '');
  expect(lines.filter((id) => !found.has(id))).toEqual([]);
  await owner.close();
  return lines.length;
}
