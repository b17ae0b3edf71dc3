import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FileSystem } from '@clicklake/durable-files';
import { openEmbeddedLog, type EventLog, type RecordPosition } from '@clicklake/event-log';
import {
  integerBelow,
  powerCutFileSystem,
  seededRandom,
  type Random,
} from '@clicklake/durable-files/testing';
import { describe, expect, it } from 'vitest';
import { newRecord, readFrom, text, withReader } from './support/records.ts';

const topic = 'clickstream-events';
const options = { segmentBytes: 4000, retentionMs: 0, minFreeBytes: 0, clock: () => 2 ** 40 };

/** What the test knows for sure: values that were acknowledged, and values that a reader was shown. */
interface Known {
  readonly acknowledged: Map<string, string>;
  readonly seen: Map<string, string>;
}

const placeOf = ({ partition, offset }: RecordPosition) => `${partition}:${offset}`;

async function live(
  log: EventLog,
  random: Random,
  life: number,
  known: Known,
  cut: () => Promise<void>,
): Promise<void> {
  const writer = await log.openWriter();
  const reader = await log.openReader();
  const appends: Promise<void>[] = [];
  const calls = 2 + integerBelow(random, 12);
  for (let call = 0; call < calls; call += 1) {
    const records = Array.from({ length: 1 + integerBelow(random, 6) }, (_, index) =>
      newRecord({
        key: `user ${integerBelow(random, 9)}`,
        value: `life ${life} call ${call} record ${index} ${'x'.repeat(integerBelow(random, 400))}`,
        judgedBy: random() < 0.5 ? 'judge' : null,
      }),
    );
    const acknowledge = (positions: readonly RecordPosition[]) => {
      positions.forEach((position, index) =>
        known.acknowledged.set(placeOf(position), String(records[index]?.value)),
      );
    };
    appends.push(writer.append(records).then(acknowledge, () => undefined));
    if (random() < 0.6) await appends.at(-1);
    if (random() < 0.1) await writer.applyRetention(await keepLast(log));
    if (random() < 0.5) {
      for (const partition of [0, 1, 2]) {
        const [state] = (await reader.describe()).filter(
          (each) => each.topic === topic && each.partition === partition,
        );
        for (const record of await readFrom(reader, topic, partition, state?.startOffset)) {
          known.seen.set(placeOf({ partition, offset: record.offset }), text(record));
        }
      }
    }
  }
  await cut();
  await Promise.all(appends);
  await reader.close().catch(() => undefined);
  await writer.close().catch(() => undefined);
}

async function keepLast(log: EventLog) {
  return withReader(log, async (reader) => {
    const ends = (await reader.describe()).map(({ endOffset }) => (endOffset > 8n ? endOffset - 8n : 0n));
    return { 'clickstream-events': ends.slice(0, 3), 'clickstream-errors': ends.slice(3) };
  });
}

async function expectNothingLost(log: EventLog, known: Known): Promise<void> {
  await withReader(log, async (reader) => {
    for (const state of await reader.describe()) {
      if (state.topic !== topic) continue;
      const { partition, startOffset, endOffset } = state;
      const records = await readFrom(reader, topic, partition, startOffset);
      expect(records.map(({ offset }) => offset)).toEqual(
        records.map((_, index) => startOffset + BigInt(index)),
      );
      expect(startOffset + BigInt(records.length)).toBe(endOffset);
      expect(state.appended).toBe(endOffset);
      const found = new Map(
        records.map((record) => [placeOf({ partition, offset: record.offset }), text(record)]),
      );
      for (const values of [known.acknowledged, known.seen]) {
        for (const [place, value] of values) {
          const [inPartition, offset = ''] = place.split(':');
          if (Number(inPartition) !== partition || BigInt(offset) < startOffset) continue;
          expect(found.get(place)).toBe(value);
        }
      }
    }
  });
}

/** Three lives of a log, each ended by a power cut in the midst of appends, retention and reads. */
async function livesOf(
  seed: number,
  over: (files: FileSystem) => FileSystem = (files) => files,
): Promise<number> {
  const root = await fs.mkdtemp(join(tmpdir(), 'log-'));
  const random = seededRandom(seed);
  const known: Known = { acknowledged: new Map(), seen: new Map() };
  try {
    for (let life = 0; life < 3; life += 1) {
      const files = powerCutFileSystem(root, seed * 10 + life);
      const log = openEmbeddedLog({ directory: join(root, 'log'), files: over(files), ...options });
      await expectNothingLost(log, known);
      await live(log, random, life, known, () => files.cut());
    }
    const files = powerCutFileSystem(root, seed);
    await expectNothingLost(openEmbeddedLog({ directory: join(root, 'log'), files, ...options }), known);
    return known.acknowledged.size;
  } finally {
    await fs.rm(root, { recursive: true });
  }
}

describe('the log through power cuts (S5.2)', () => {
  // Blocks of seeds, so that a failure names one.
  it.each(Array.from({ length: 10 }, (_, block) => block * 20))(
    'loses nothing acknowledged or shown, seeds from %i',
    async (first) => {
      await Promise.all(
        Array.from({ length: 20 }, async (_, index) => {
          const acknowledged = await livesOf(first + index).catch((error: unknown) => {
            throw new Error(`seed ${first + index}`, { cause: error });
          });
          expect(acknowledged).toBeGreaterThan(0);
        }),
      );
    },
  );

  it.each([
    [
      'fsync',
      (files: FileSystem): FileSystem => ({
        ...files,
        open: async (path, mode) => ({ ...(await files.open(path, mode)), sync: () => Promise.resolve() }),
      }),
    ],
    [
      'the sync of directories',
      (files: FileSystem): FileSystem => ({ ...files, syncDirectory: () => Promise.resolve() }),
    ],
  ])('notices a log that forgets %s', async (_, forgetful) => {
    const lives = await Promise.allSettled(
      Array.from({ length: 20 }, (__, seed) => livesOf(seed, forgetful)),
    );
    expect(lives.some(({ status }) => status === 'rejected')).toBe(true);
  });
});
