import type { EventLog, NewRecord, RecordBlock, RecordPosition } from '@clicklake/event-log';
import { topicPartitions } from '@clicklake/event-log';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EventLogHarness } from '../event-log-harness.ts';
import { newRecord, readFrom, text, topics, withReader } from '../support/records.ts';

/** The records as one block, their bytes in any order and with others between them. */
function blockOf(records: readonly NewRecord[], timestamp: number): RecordBlock {
  const chunks: Buffer[] = [Buffer.from('\nbefore')];
  let used = 7;
  const add = (bytes: Buffer): [number, number] => {
    chunks.push(bytes, Buffer.from('\nbetween'));
    used += bytes.length + 8;
    return [used - bytes.length - 8, used - 8];
  };
  const places = records.flatMap(({ key, value }) => {
    const valuePlace = add(Buffer.from(value));
    return [...(key === null ? [-1, -1] : add(Buffer.from(key))), ...valuePlace];
  });
  const kinds = records.map(({ topic, judgedBy }) => ({ topic, judgedBy }));
  return {
    bytes: Buffer.concat(chunks),
    count: records.length,
    places: Int32Array.from(places),
    kinds,
    kindOf: Uint8Array.from(records.keys()),
    timestamp,
  };
}

export function describeBlocks(create: () => Promise<EventLogHarness>): void {
  describe('blocks of records', () => {
    let harness: EventLogHarness;
    let log: EventLog;

    beforeEach(async () => {
      harness = await create();
      log = harness.log;
    });
    afterEach(() => harness.dispose());

    async function readAll(): Promise<Map<string, unknown>> {
      return withReader(log, async (reader) => {
        const found = new Map<string, unknown>();
        for (const topic of topics) {
          for (let partition = 0; partition < topicPartitions[topic]; partition += 1) {
            for (const record of await readFrom(reader, topic, partition)) {
              found.set(`${topic} ${partition} ${record.offset}`, {
                ...record,
                key: record.key === null ? null : Buffer.from(record.key).toString(),
                value: text(record),
              });
            }
          }
        }
        return found;
      });
    }

    it('are the records, where appending them one by one would have put them', async () => {
      const record = fc.record({
        topic: fc.constantFrom(...topics),
        key: fc.option(fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('', 'k'.repeat(5000)))),
        value: fc.oneof(
          fc.string({ unit: 'grapheme' }),
          fc.constantFrom('', '\n', 'a\nb', 'x'.repeat(70_000)),
        ),
        judgedBy: fc.constantFrom(null, 'a', 'f'.repeat(64)),
      });
      const writer = await log.openWriter();
      let expected = new Map<string, unknown>();
      await fc.assert(
        fc.asyncProperty(fc.array(record, { maxLength: 20 }), fc.boolean(), async (given, plain) => {
          const records = given.map((each) => newRecord({ ...each, timestamp: 7 }));
          const block = blockOf(records, 7);
          let positions: readonly RecordPosition[];
          if (plain) positions = await writer.append(records);
          else {
            const appended = writer.appendBlock(block);
            // Its memory is the caller's again.
            block.bytes.fill(0);
            block.places.fill(0);
            const { partitions, offsets } = await appended;
            positions = records.map((_, index) => ({
              partition: partitions[index] ?? -1,
              offset: offsets[index] ?? -1n,
            }));
          }
          expected = new Map(expected);
          positions.forEach(({ partition, offset }, index) => {
            const { topic = 'clickstream-events', ...rest } = records[index] ?? {};
            expected.set(`${topic} ${partition} ${offset}`, { ...rest, offset });
          });
          expect(await readAll()).toEqual(expected);
        }),
        { numRuns: 25 },
      );
      await writer.close();
    });

    it('share a group commit, and the order of their calls, with records', async () => {
      const writer = await log.openWriter();
      const [first, block, last] = await Promise.all([
        writer.append([newRecord({ value: 'first' })]),
        writer.appendBlock(blockOf([newRecord({ value: 'second' }), newRecord({ value: 'third' })], 2)),
        writer.append([newRecord({ value: 'last', timestamp: 1 })]),
      ]);
      expect(first[0]?.offset).toBe(0n);
      expect([...block.offsets]).toEqual([1n, 2n]);
      expect(last[0]?.offset).toBe(3n);
      const partition = first[0]?.partition ?? 0;
      const read = await withReader(log, (reader) => readFrom(reader, 'clickstream-events', partition));
      expect(read.map((record) => [text(record), record.timestamp])).toEqual([
        ['first', 1],
        ['second', 2],
        ['third', 2],
        ['last', 2],
      ]);
      expect((await writer.appendBlock(blockOf([], 1))).offsets).toHaveLength(0);
      await writer.close();
      await expect(writer.appendBlock(blockOf([newRecord()], 1))).rejects.toMatchObject({
        code: 'log-closed',
      });
    });

    it('are refused when a record does not lie in them, and nothing of them is written', async () => {
      const writer = await log.openWriter();
      const sound = blockOf([newRecord(), newRecord()], 1);
      const broken: Partial<RecordBlock>[] = [
        { timestamp: -1 },
        { places: sound.places.map((place, index) => (index === 7 ? 1_000 : place)) },
        { places: sound.places.map((place, index) => (index === 5 ? -2 : place)) },
        { places: sound.places.slice(0, 7) },
        { kindOf: Uint8Array.from([0, 2]) },
        { kinds: [{ topic: 'clickstream-events', judgedBy: 'j'.repeat(77) }, ...sound.kinds] },
      ];
      for (const change of broken) {
        await expect(writer.appendBlock({ ...sound, ...change })).rejects.toMatchObject({
          code: 'log-invalid-record',
        });
      }
      expect([...(await writer.appendBlock(sound)).offsets]).toEqual([0n, 1n]);
      await writer.close();
    });
  });
}
