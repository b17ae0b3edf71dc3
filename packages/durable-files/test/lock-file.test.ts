import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { acquireLock, readLockOwner } from '@clicklake/durable-files';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

let directory: string;
let path: string;
let contenders: ChildProcess[] = [];

beforeEach(async () => {
  directory = await fs.mkdtemp(join(tmpdir(), 'lock-'));
  path = join(directory, 'writer.lock');
});

afterEach(async () => {
  for (const contender of contenders) await kill(contender);
  contenders = [];
  await fs.rm(directory, { recursive: true });
});

async function startContender(): Promise<ChildProcess> {
  const script = join(import.meta.dirname, 'fixtures/lock-contender.ts');
  const child = fork(script, { execArgv: ['--conditions=source'] });
  contenders.push(child);
  await once(child, 'message');
  return child;
}

async function tell(child: ChildProcess, message: { take: string } | 'release'): Promise<unknown> {
  const answer = once(child, 'message');
  child.send(message);
  return (await answer)[0] as unknown;
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

describe('acquireLock', () => {
  it('refuses a second owner, naming the first, and lets it in after the release', async () => {
    const lock = await acquireLock(path, 'up', 'The lake');
    await lock.describe({ url: 'http://127.0.0.1:8084' });
    await expect(acquireLock(path, 'ingest', 'The lake')).rejects.toMatchObject({
      code: 'files-lock-held',
      message: expect.stringMatching(
        new RegExp(`The lake .*${process.pid} \\(up at http://127.0.0.1:8084\\).*${path}`),
      ) as string,
      hint: expect.stringContaining(String(process.pid)) as string,
      details: { pid: process.pid, role: 'up', url: 'http://127.0.0.1:8084', path },
    });
    expect(await readLockOwner(path)).toEqual(lock.owner);
    await lock.release();
    await lock.release();
    expect(await readLockOwner(path)).toBeUndefined();
    const second = await acquireLock(path, 'ingest', 'The lake');
    await lock.release();
    expect(await readLockOwner(path)).toEqual(second.owner);
    await second.release();
    expect(await fs.readdir(directory)).toEqual([]);
  });

  it('writes a file that only its user can read', async () => {
    const lock = await acquireLock(path, 'up', 'The lake');
    expect((await fs.stat(path)).mode & 0o777).toBe(0o600);
    await lock.describe({ role: 'collect' });
    expect((await fs.stat(path)).mode & 0o777).toBe(0o600);
    await lock.release();
  });

  it.each([
    ['a process that has ended', () => ({ pid: 2 ** 22 + 1, started: 'boot:1' })],
    ['a pid that another process got since', () => ({ pid: process.pid, started: 'another boot:1' })],
  ])('takes over from %s', async (_, owner) => {
    await fs.writeFile(path, JSON.stringify({ id: 'a', role: 'up', url: null, ...owner() }));
    const lock = await acquireLock(path, 'ingest', 'The lake');
    expect(await readLockOwner(path)).toMatchObject({ role: 'ingest', pid: process.pid });
    await lock.release();
  });

  it.each(['', '{"pid":', '\0\0\0\0', '{"pid":1}'])('takes over what a power cut left: %j', async (text) => {
    await fs.writeFile(path, text);
    const lock = await acquireLock(path, 'ingest', 'The lake');
    expect(lock.owner.pid).toBe(process.pid);
    await lock.release();
  });

  it('gives the lock of a killed process to the next one', async () => {
    const owner = await startContender();
    expect(await tell(owner, { take: path })).toBe('won');
    await expect(acquireLock(path, 'next', 'The lake')).rejects.toMatchObject({
      details: { pid: owner.pid },
    });
    await kill(owner);
    const lock = await acquireLock(path, 'next', 'The lake');
    expect(lock.owner.role).toBe('next');
    await lock.release();
  });

  it('takes over behind a contender that was killed while taking over', async () => {
    const dead = { pid: 2 ** 22 + 1, started: 'boot:1', role: 'up', url: null };
    await fs.writeFile(path, JSON.stringify({ ...dead, id: 'aaaaaaaa-1' }));
    await fs.writeFile(`${path}.aaaaaaaa`, JSON.stringify({ ...dead, id: 'bbbbbbbb-1' }));
    const lock = await acquireLock(path, 'next', 'The lake');
    await lock.release();
    expect(await fs.readdir(directory)).toEqual([]);
  });

  it('has one winner among many processes, whether the lock is free or its owner is dead', async () => {
    const racers = await Promise.all(Array.from({ length: 6 }, startContender));
    for (let round = 0; round < 40; round += 1) {
      const prize = join(directory, `prize-${round}.lock`);
      const stale = { id: `dead-${round}`, pid: 2 ** 22 + 1, started: 'boot:1', role: 'up', url: null };
      if (round % 2 === 1) await fs.writeFile(prize, JSON.stringify(stale));
      const answers = await Promise.all(racers.map((racer) => tell(racer, { take: prize })));
      expect(answers.toSorted()).toEqual([...Array<string>(5).fill('files-lock-held'), 'won']);
      const winner = racers[answers.indexOf('won')];
      expect((await readLockOwner(prize))?.pid).toBe(winner?.pid);
      await Promise.all(racers.map((racer) => tell(racer, 'release')));
      expect(await readLockOwner(prize)).toBeUndefined();
    }
  });

  it('has one winner among takers in one process', async () => {
    await fs.writeFile(path, 'torn');
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, () => acquireLock(path, 'one', 'The lake')),
    );
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });
});
