import * as fs from 'node:fs/promises';
import { join } from 'node:path';
import { nodeFileSystem, type FileSystem } from '@clicklake/durable-files';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { errorRecords, newRecord, readFrom, text, withReader } from './support/records.ts';
import {
  appendGroups,
  errorsDirectory,
  segmentFiles,
  temporaryLog,
  type TemporaryLog,
} from './support/temporary-log.ts';

const topic = 'clickstream-errors';
const firstGroup = errorRecords(0, 3);
const lastGroup = errorRecords(3, 4);
const endsFile = 'durable-ends';

let log: TemporaryLog;
beforeEach(async () => {
  log = await temporaryLog();
});
afterEach(() => log.remove());

/** Builds the log, and tells what the active segment and the published ends were before its last group. */
async function buildLog() {
  await appendGroups(log.open(), [firstGroup]);
  const [path = ''] = await segmentFiles(log.directory);
  const sizeBefore = (await fs.stat(path)).size;
  const endsBefore = await fs.readFile(join(log.directory, endsFile));
  await appendGroups(log.open(), [lastGroup]);
  const whole = await fs.readFile(path);
  const endsAfter = await fs.readFile(join(log.directory, endsFile));
  return { path, sizeBefore, endsBefore, endsAfter, whole };
}

async function readAll() {
  return withReader(log.open(), async (reader) => (await readFrom(reader, topic, 0)).map(text));
}

const values = (count: number) => Array.from({ length: count }, (_, index) => `value ${index}`);

describe('recovery (S5.1)', () => {
  it('cuts off a last frame that is torn at any byte, and goes on there', async () => {
    const { path, sizeBefore, endsBefore, whole } = await buildLog();
    for (let length = sizeBefore; length <= whole.length; length += 1) {
      await fs.writeFile(path, whole.subarray(0, length));
      await fs.writeFile(join(log.directory, endsFile), endsBefore);
      const survived = length === whole.length ? 7 : 3;
      const writer = await log.open().openWriter();
      const [position] = await writer.append(errorRecords(survived, 1));
      await writer.close();
      expect(position?.offset).toBe(BigInt(survived));
      expect(await readAll()).toEqual(values(survived + 1));
    }
  });

  it('cuts off a last frame in which any byte is wrong, without published ends too', async () => {
    const { path, sizeBefore, endsBefore, whole } = await buildLog();
    for (let at = sizeBefore; at < whole.length; at += 1) {
      const torn = Buffer.from(whole);
      torn.writeUInt8((torn[at] ?? 0) ^ 0x55, at);
      await fs.writeFile(path, torn);
      if (at % 2 === 0) await fs.writeFile(join(log.directory, endsFile), endsBefore);
      else await fs.rm(join(log.directory, endsFile), { force: true });
      expect(await readAll()).toEqual(values(3));
    }
  });

  it('takes a whole last frame that was never acknowledged', async () => {
    const { endsBefore } = await buildLog();
    await fs.writeFile(join(log.directory, endsFile), endsBefore);
    expect(await readAll()).toEqual(values(7));
    await withReader(log.open(), async (reader) => {
      expect((await reader.describe()).at(-1)).toMatchObject({ appended: 7n, endOffset: 7n });
    });
  });

  it('does not take lost records for torn ones when they had been acknowledged', async () => {
    const { path, sizeBefore, endsAfter, whole } = await buildLog();
    for (const length of [sizeBefore, sizeBefore + 1, whole.length - 1]) {
      for (const segment of await segmentFiles(log.directory)) await fs.rm(segment);
      await fs.writeFile(path, whole.subarray(0, length));
      await fs.writeFile(join(log.directory, endsFile), endsAfter);
      const writer = await log.open().openWriter();
      expect((await writer.append(errorRecords(7, 1)))[0]?.offset).toBe(7n);
      await writer.close();
      await withReader(log.open(), async (reader) => {
        expect(
          (await reader.fetch(topic, 0, 0n, 1 << 20)).flatMap((batch) => batch.records()).map(text),
        ).toEqual(values(3));
        await expect(reader.fetch(topic, 0, 3n, 1 << 20)).rejects.toMatchObject({
          code: 'log-corrupt-range',
          details: { topic, partition: 0, from: 3n, to: 7n },
        });
        expect((await readFrom(reader, topic, 0, 7n)).map(text)).toEqual(['value 7']);
        expect((await reader.describe()).at(-1)).toMatchObject({
          appended: 8n,
          corrupt: [{ from: 3n, to: 7n }],
        });
      });
      // The evidence is still there.
      expect((await fs.stat(path)).size).toBe(length);
    }
  });

  it('leaves a bad frame alone that has a later group behind it', async () => {
    const { path, sizeBefore } = await buildLog();
    await appendGroups(log.open(), [errorRecords(7, 2)]);
    const damaged = await fs.readFile(path);
    damaged.fill(0, sizeBefore, sizeBefore + 200);
    await fs.writeFile(path, damaged);
    await fs.rm(join(log.directory, endsFile));
    await appendGroups(log.open(), [errorRecords(9, 1)]);
    await withReader(log.open(), async (reader) => {
      expect(await reader.verify(topic, 0)).toEqual([{ from: 3n, to: 7n }]);
      expect((await readFrom(reader, topic, 0, 7n)).map(text)).toEqual(['value 7', 'value 8', 'value 9']);
      expect((await reader.describe()).at(-1)?.appended).toBe(10n);
    });
  });

  it('removes a segment whose opening frame never became durable', async () => {
    const { sizeBefore, whole } = await buildLog();
    expect(sizeBefore).toBeLessThan(whole.length);
    for (const content of [Buffer.alloc(0), Buffer.alloc(100), Buffer.alloc(144)]) {
      await fs.writeFile(join(errorsDirectory(log.directory), '00000000000000000007.log'), content);
      expect(await readAll()).toEqual(values(7));
      expect(await segmentFiles(log.directory)).toHaveLength(1);
    }
  });

  it('finds its identity in the segments when log.json is lost, and refuses what is no log of its format', async () => {
    await buildLog();
    await fs.rm(join(log.directory, 'log.json'));
    expect(await readAll()).toEqual(values(7));
    await fs.writeFile(join(log.directory, 'log.json'), '{"format":2}');
    await expect(log.open().openWriter()).rejects.toMatchObject({ code: 'log-format-unknown' });
    await expect(log.open().openReader()).rejects.toMatchObject({ code: 'log-format-unknown' });
  });

  it('reads no more to open a long log than a short one', async () => {
    const bytesRead = async () => {
      let bytes = 0;
      const counting: FileSystem = {
        ...nodeFileSystem,
        async open(path, mode) {
          const file = await nodeFileSystem.open(path, mode);
          return {
            ...file,
            async read(position, length) {
              const read = await file.read(position, length);
              bytes += read.length;
              return read;
            },
          };
        },
      };
      const opened = log.open({ files: counting });
      await (await opened.openWriter()).close();
      await (await opened.openReader()).close();
      return bytes;
    };
    await appendGroups(log.open(), [[newRecord({ topic })]]);
    const short = await bytesRead();
    const large = Array.from({ length: 100 }, () => [newRecord({ topic, value: 'x'.repeat(10_000) })]);
    await appendGroups(log.open(), large);
    expect(await bytesRead()).toBe(short);
  });
});
