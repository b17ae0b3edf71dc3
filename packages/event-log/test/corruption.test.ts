import * as fs from 'node:fs/promises';
import type { LogReader, OffsetRange } from '@clicklake/event-log';
import { EventLogError } from '@clicklake/event-log';
import { integerBelow, seededRandom } from '@clicklake/durable-files/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { errorRecords, keepNothing, readFrom, text, withReader } from './support/records.ts';
import { appendGroups, segmentFiles, temporaryLog, type TemporaryLog } from './support/temporary-log.ts';

const topic = 'clickstream-errors';
const groups = [
  errorRecords(0, 5),
  errorRecords(5, 1),
  errorRecords(6, 10, { key: 'some key' }),
  errorRecords(16, 4),
];
const total = 20;

let log: TemporaryLog;
let path: string;
let sound: Buffer;
beforeEach(async () => {
  log = await temporaryLog();
  await appendGroups(log.open(), groups);
  path = (await segmentFiles(log.directory))[0] ?? '';
  sound = await fs.readFile(path);
});
afterEach(() => log.remove());

/** Reads on behind every range that is reported, as an operator would who skips by hand. */
async function readAround(reader: LogReader): Promise<{ read: Map<number, string>; corrupt: OffsetRange[] }> {
  const read = new Map<number, string>();
  const corrupt: OffsetRange[] = [];
  for (let from = 0n; from < BigInt(total);) {
    try {
      for (const batch of await reader.fetch(topic, 0, from, 1 << 20)) {
        for (const record of batch.records()) read.set(Number(record.offset), text(record));
        if (batch.lines !== null) {
          expect(Buffer.from(batch.lines).toString()).toBe(
            batch
              .records()
              .map((record) => `${text(record)}\n`)
              .join(''),
          );
        }
        from = batch.nextOffset;
      }
    } catch (error) {
      if (!(error instanceof EventLogError) || error.code !== 'log-corrupt-range') throw error;
      const range = { from: error.details.from as bigint, to: error.details.to as bigint };
      expect(range.from).toBe(from);
      corrupt.push(range);
      from = range.to;
    }
  }
  return { read, corrupt };
}

async function expectAllAccountedFor(): Promise<OffsetRange[]> {
  return withReader(log.open(), async (reader) => {
    const { read, corrupt } = await readAround(reader);
    for (let offset = 0; offset < total; offset += 1) {
      const isReported = corrupt.some(({ from, to }) => from <= offset && offset < to);
      expect(isReported).toBe(!read.has(offset));
      if (!isReported) expect(read.get(offset)).toBe(`value ${offset}`);
    }
    expect(await reader.verify(topic, 0)).toEqual(corrupt);
    expect(await reader.count(topic, 0, 0n)).toBe(BigInt(read.size));
    expect((await reader.describe()).at(-1)).toMatchObject({ corrupt, appended: BigInt(total) });
    return corrupt;
  });
}

describe('a corrupted segment (S5.1)', () => {
  it('reads every record or reports it, whichever byte is wrong', async () => {
    for (let at = 0; at < sound.length; at += 1) {
      const damaged = Buffer.from(sound);
      damaged.writeUInt8((damaged[at] ?? 0) ^ (1 << (at % 8)), at);
      await fs.writeFile(path, damaged);
      const corrupt = await expectAllAccountedFor();
      // One flipped bit costs at most one frame.
      expect(corrupt.length).toBeLessThanOrEqual(1);
    }
  });

  it('loses only the record that was hit', async () => {
    const damaged = Buffer.from(sound);
    damaged.write('V', damaged.indexOf('value 9'));
    await fs.writeFile(path, damaged);
    expect(await expectAllAccountedFor()).toEqual([{ from: 9n, to: 10n }]);
  });

  it('loses no record for a newline that was hit', async () => {
    const damaged = Buffer.from(sound);
    damaged.write('x', damaged.indexOf('value 9') + 7);
    await fs.writeFile(path, damaged);
    expect(await expectAllAccountedFor()).toEqual([]);
  });

  it('reads every record or reports it, after any damage', async () => {
    const random = seededRandom(20);
    for (let round = 0; round < 150; round += 1) {
      const damaged = Buffer.from(sound);
      for (let wound = 0; wound <= integerBelow(random, 4); wound += 1) {
        const at = integerBelow(random, damaged.length);
        const length = integerBelow(random, 400);
        if (random() < 0.5) damaged.fill(0, at, Math.min(damaged.length, at + length));
        else damaged.copyWithin(at, integerBelow(random, damaged.length));
      }
      await fs.writeFile(
        path,
        random() < 0.2 ? damaged.subarray(0, integerBelow(random, damaged.length)) : damaged,
      );
      await fs.rm(`${log.directory}/clickstream-errors/0/skipped.json`, { force: true });
      const opened = log.open();
      await withReader(opened, async (reader) => {
        const { read, corrupt } = await readAround(reader);
        for (let offset = 0; offset < total; offset += 1) {
          expect(corrupt.some(({ from, to }) => from <= offset && offset < to)).toBe(!read.has(offset));
        }
        for (const [offset, value] of read) expect(value).toBe(`value ${offset}`);
      });
      for (const segment of await segmentFiles(log.directory)) if (segment !== path) await fs.rm(segment);
    }
  });

  it('does not take a value that looks like a frame for one', async () => {
    const opened = log.open();
    const writer = await opened.openWriter();
    // The bytes of a whole frame with offsets that would fit, but of a log with another id.
    const other = await temporaryLog();
    await appendGroups(other.open(), [errorRecords(0, 25), errorRecords(25, 3)]);
    const foreign = await fs.readFile((await segmentFiles(other.directory))[0] ?? '');
    await other.remove();
    await writer.append(errorRecords(20, 1, { value: foreign }));
    await writer.append(errorRecords(21, 1));
    await writer.close();
    const damaged = await fs.readFile(path);
    damaged.fill(0, sound.length, sound.length + 20);
    await fs.writeFile(path, damaged);
    await withReader(log.open(), async (reader) => {
      expect(await reader.verify(topic, 0)).toEqual([{ from: 20n, to: 21n }]);
    });
  });

  it('gives up a range when told to, for good, and reads on', async () => {
    const damaged = Buffer.from(sound);
    for (const value of ['value 3', 'value 9', 'value 10']) damaged.write('V', damaged.indexOf(value));
    await fs.writeFile(path, damaged);
    const opened = log.open();
    const writer = await opened.openWriter();
    const given = [
      { from: 3n, to: 4n },
      { from: 9n, to: 11n },
    ];
    await withReader(opened, async (reader) => {
      await expect(reader.fetch(topic, 0, 3n, 100)).rejects.toMatchObject({ code: 'log-corrupt-range' });
      expect(await writer.skipCorrupt(topic, 0)).toEqual(given);
      expect(await writer.skipCorrupt(topic, 0)).toEqual([]);
      expect((await readFrom(reader, topic, 0)).map(({ offset }) => Number(offset))).toEqual(
        Array.from({ length: total }, (_, offset) => offset).filter((offset) => ![3, 9, 10].includes(offset)),
      );
    });
    await writer.append(errorRecords(20, 1));
    await writer.close();
    // Even when the bytes turn out to be readable after all: they were booked as lost.
    await fs.writeFile(path, Buffer.concat([sound, (await fs.readFile(path)).subarray(sound.length)]));
    await withReader(log.open(), async (reader) => {
      expect(await readFrom(reader, topic, 0)).toHaveLength(18);
      expect(await reader.count(topic, 0, 0n)).toBe(18n);
      expect(await reader.verify(topic, 0)).toEqual([]);
      expect((await reader.describe()).at(-1)).toMatchObject({ skipped: given, corrupt: [], appended: 21n });
      const [batch] = await reader.fetch(topic, 0, 9n, 1);
      expect(batch?.baseOffset).toBe(11n);
    });
  });

  it('reports a segment that is gone from the middle', async () => {
    const small = await temporaryLog();
    await appendGroups(small.open({ segmentBytes: 500 }), [
      errorRecords(0, 5),
      errorRecords(5, 5),
      errorRecords(10, 5),
    ]);
    const [, middle = ''] = await segmentFiles(small.directory);
    await fs.rm(middle);
    await withReader(small.open(), async (reader) => {
      expect(await reader.verify(topic, 0)).toEqual([{ from: 5n, to: 10n }]);
      expect(await readFrom(reader, topic, 0, 10n)).toHaveLength(5);
    });
    const writer = await small.open().openWriter();
    await writer.applyRetention(keepNothing);
    await writer.close();
    await small.remove();
  });
});
