import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { errorRecords, readFrom, text, withReader } from './support/records.ts';
import { appendGroups, segmentFiles, temporaryLog, type TemporaryLog } from './support/temporary-log.ts';

const topic = 'clickstream-errors';
let log: TemporaryLog;
let child: ChildProcess | undefined;
beforeEach(async () => {
  log = await temporaryLog();
});
afterEach(async () => {
  if (child?.exitCode === null && child.signalCode === null) {
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }
  await log.remove();
});

/** Starts the appending process; `lines` yields what it prints: `open`, then each acknowledged offset. */
function start(crashAt: string, ...flags: string[]) {
  return startScript('appending-process', crashAt, ...flags);
}

function startScript(name: string, crashAt: string, ...flags: string[]) {
  const script = join(import.meta.dirname, `fixtures/${name}.ts`);
  const env = { ...process.env, CLICKLAKE_CRASH_AT: crashAt };
  const started = spawn(process.execPath, ['--conditions=source', script, log.directory, ...flags], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  child = started;
  return { started, lines: createInterface({ input: started.stdout })[Symbol.asyncIterator]() };
}

async function acknowledgedUntilDeath(crashAt: string): Promise<number[]> {
  const { started, lines } = start(crashAt);
  const gone = once(started, 'exit');
  const acknowledged: number[] = [];
  for (let line = await lines.next(); line.done !== true; line = await lines.next()) {
    if (line.value !== 'open') acknowledged.push(Number(line.value));
  }
  expect((await gone)[1]).toBe('SIGKILL');
  return acknowledged;
}

/** Every offset from the log's start on holds its own value, and none that was acknowledged is missing. */
async function expectSound(acknowledged: readonly number[]): Promise<void> {
  await withReader(log.open(), async (reader) => {
    const state = (await reader.describe()).at(-1);
    const startOffset = state?.startOffset ?? 0n;
    const records = await readFrom(reader, topic, 0, startOffset);
    expect(records.map(text)).toEqual(records.map((_, index) => `value ${Number(startOffset) + index}`));
    expect(state?.endOffset).toBe(startOffset + BigInt(records.length));
    expect(state?.appended).toBe(state?.endOffset);
    expect(Number(state?.endOffset)).toBeGreaterThan(acknowledged.at(-1) ?? -1);
    expect(await reader.verify(topic, 0)).toEqual([]);
  });
}

describe('kill -9 of the writing process', () => {
  it.each([
    'log-after-write-before-sync',
    'log-after-write-before-sync:7',
    'log-after-sync-before-ack',
    'log-after-sync-before-ack:7',
    'log-segment-created',
    'log-segment-created:2',
    'log-retention-deleting',
    'log-retention-deleting:3',
  ])('at %s loses nothing acknowledged, and the next writer goes on', async (crashAt) => {
    await expectSound(await acknowledgedUntilDeath(crashAt));
    await expectSound(await acknowledgedUntilDeath('log-after-sync-before-ack:4'));
    const writer = await log.open().openWriter();
    const [position] = await writer.append(errorRecords(0, 1));
    await writer.close();
    expect(position?.partition).toBe(0);
  });

  it.each([
    ['log-skip-before-record', false],
    ['log-skip-recorded', true],
  ])('at %s while what is unreadable is given up leaves it given up, or not', async (at, isGivenUp) => {
    await appendGroups(log.open(), [errorRecords(0, 5), errorRecords(5, 5), errorRecords(10, 5)]);
    const [segment = ''] = await segmentFiles(log.directory);
    const damaged = await readFile(segment);
    damaged.write('V', damaged.indexOf('value 7'));
    await writeFile(segment, damaged);

    const { started } = startScript('skipping-process', at);
    expect((await once(started, 'exit'))[1]).toBe('SIGKILL');
    const lost = [{ from: 7n, to: 8n }];
    const corrupt = isGivenUp ? [] : lost;
    await withReader(log.open(), async (reader) => {
      expect(await reader.verify(topic, 0)).toEqual(corrupt);
      const skipped = isGivenUp ? lost : [];
      expect((await reader.describe()).at(-1)).toMatchObject({ corrupt, skipped, appended: 15n });
    });
    const writer = await log.open().openWriter();
    expect(await writer.skipCorrupt(topic, 0)).toEqual(corrupt);
    await writer.append(errorRecords(15, 1));
    await writer.close();
    await withReader(log.open(), async (reader) => {
      expect((await readFrom(reader, topic, 0)).map(({ offset }) => Number(offset))).toEqual(
        Array.from({ length: 16 }, (_, offset) => offset).filter((offset) => offset !== 7),
      );
      expect((await reader.describe()).at(-1)).toMatchObject({ corrupt: [], skipped: lost, appended: 16n });
    });
  });

  it('lets another process read and wait while it writes, and never shows what is not durable', async () => {
    const { started, lines } = start('', 'keep-all');
    await lines.next();
    const reader = await log.open().openReader();
    const never = new AbortController();
    let from = (await reader.describe()).at(-1)?.startOffset ?? 0n;
    for (let read = 0; read < 60;) {
      await reader.waitForAppend(never.signal);
      for (const batch of await reader.fetch(topic, 0, from, 1 << 20)) {
        batch.records().forEach((record) => expect(text(record)).toBe(`value ${record.offset}`));
        read += batch.count;
        from = batch.nextOffset;
      }
    }
    await expect(log.open().openWriter()).rejects.toMatchObject({
      code: 'log-locked',
      details: { pid: started.pid },
    });
    const gone = once(started, 'exit');
    started.kill('SIGKILL');
    await gone;
    // What it was shown is still there, and the lock is free.
    expect((await reader.describe()).at(-1)?.endOffset).toBeGreaterThanOrEqual(from);
    await reader.close();
    await (await log.open().openWriter()).close();
    await expectSound([Number(from) - 1]);
  });
});
