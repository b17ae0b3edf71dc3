import type { EventLog, NewRecord, PartitionState, Topic } from '@clicklake/event-log';
import { partitionFor, topicPartitions } from '@clicklake/event-log';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EventLogHarness } from '../event-log-harness.ts';
import { newRecord, readFrom, text, topics, withReader } from '../support/records.ts';

export function describeWriting(create: () => Promise<EventLogHarness>): void {
  describe('writing', () => {
    let harness: EventLogHarness;
    let log: EventLog;

    beforeEach(async () => {
      harness = await create();
      log = harness.log;
    });
    afterEach(() => harness.dispose());

    async function append(records: readonly NewRecord[]) {
      const writer = await log.openWriter();
      try {
        return await writer.append(records);
      } finally {
        await writer.close();
      }
    }

    const stateOf = (states: readonly PartitionState[], topic: Topic, partition: number) =>
      states.find((state) => state.topic === topic && state.partition === partition);

    it('gives positions in the order of the records, contiguous per partition', async () => {
      const writer = await log.openWriter();
      const records = Array.from({ length: 100 }, (_, index) => newRecord({ key: `user ${index % 7}` }));
      const next = [0n, 0n, 0n];
      for (const part of [records.slice(0, 1), records.slice(1, 60), records.slice(60)]) {
        const positions = await writer.append(part);
        expect(positions).toHaveLength(part.length);
        positions.forEach(({ partition, offset }, index) => {
          expect(partition).toBe(partitionFor(part[index]?.key ?? '', 3));
          expect(offset).toBe(next[partition]);
          next[partition] = offset + 1n;
        });
      }
      expect(await writer.append([])).toEqual([]);
      await writer.close();
    });

    it('puts a record without a key into partition 0 (S1.2)', async () => {
      expect(await append([newRecord({ key: null })])).toEqual([{ partition: 0, offset: 0n }]);
    });

    it('returns every record as it was appended, whatever its bytes', async () => {
      const value = fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.uint8Array({ maxLength: 300 }),
        fc.constantFrom('', '\n', 'a\n', '\ud800', 'é€😀', 'x'.repeat(100_000)),
      );
      const record = fc.record({
        topic: fc.constantFrom(...topics),
        key: fc.option(fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('', 'k'.repeat(5000)))),
        value,
        timestamp: fc.constant(7),
        judgedBy: fc.option(fc.constantFrom('a', 'f'.repeat(64))),
      });
      const calls = fc.array(fc.array(record, { maxLength: 20 }), { maxLength: 4 });
      await fc.assert(
        fc.asyncProperty(calls, fc.integer({ min: 1, max: 5000 }), async (given, maxBytes) => {
          const starts = await withReader(log, (reader) => reader.describe());
          const writer = await log.openWriter();
          const positions = (await Promise.all(given.map((records) => writer.append(records)))).flat();
          await writer.close();
          const appended = given.flat();
          await withReader(log, async (reader) => {
            for (const topic of topics) {
              for (let partition = 0; partition < topicPartitions[topic]; partition += 1) {
                const from = stateOf(starts, topic, partition)?.endOffset ?? 0n;
                const read = await readFrom(reader, topic, partition, from, maxBytes);
                const expected = appended.flatMap((each, index) => {
                  const position = positions[index];
                  if (each.topic !== topic || position?.partition !== partition) return [];
                  return [{ ...each, offset: position.offset }];
                });
                expect(read.map(({ offset }) => offset)).toEqual(expected.map(({ offset }) => offset));
                read.forEach((record, index) => {
                  const original = expected[index];
                  expect(Buffer.compare(record.value, Buffer.from(original?.value ?? ''))).toBe(0);
                  expect(record.key === null ? null : Buffer.from(record.key).toString()).toBe(
                    original?.key === null ? null : Buffer.from(original?.key ?? '').toString(),
                  );
                  expect(record.judgedBy).toBe(original?.judgedBy);
                  expect(record.timestamp).toBe(7);
                });
              }
            }
          });
        }),
        { numRuns: 25 },
      );
    });

    it('describes batches exactly: one judge, one slice of lines, sums, offsets', async () => {
      const judges = ['a', 'a', 'b', null, null, 'a'];
      const values = ['{"n":1}', '{"é":2}', '', 'with\nnewline', 'plain', 'x'];
      await append(
        judges.map((judgedBy, index) =>
          newRecord({ judgedBy, value: values[index] ?? '', timestamp: 10 + index }),
        ),
      );
      await withReader(log, async (reader) => {
        const batches = await reader.fetch('clickstream-events', partitionFor('user', 3), 0n, 1 << 20);
        let next = 0n;
        for (const batch of batches) {
          const records = batch.records();
          const texts = records.map(text);
          expect(batch.baseOffset).toBe(next);
          expect(batch.count).toBe(records.length);
          expect(batch.nextOffset).toBe(next + BigInt(records.length));
          expect(batch.valueBytes).toBe(texts.reduce((sum, each) => sum + Buffer.byteLength(each), 0));
          expect(new Set(records.map(({ judgedBy }) => judgedBy))).toEqual(new Set([batch.judgedBy]));
          expect(batch.maxTimestamp).toBe(records.at(-1)?.timestamp);
          if (texts.some((each) => each.includes('\n'))) expect(batch.lines).toBeNull();
          // An implementation may have no slices of lines at all.
          else if (batch.lines !== null)
            expect(Buffer.from(batch.lines).toString()).toBe(texts.map((each) => `${each}\n`).join(''));
          next = batch.nextOffset;
        }
        expect(batches.flatMap((batch) => batch.records()).map(text)).toEqual(values);
      });
    });

    it('gives concurrent callers their own positions', async () => {
      const writer = await log.openWriter();
      const calls = Array.from({ length: 50 }, (_, call) =>
        Array.from({ length: (call % 5) + 1 }, (__, index) =>
          newRecord({ key: `${call}`, value: `${call}:${index}` }),
        ),
      );
      const answers = await Promise.all(
        calls.map(async (records, call) => {
          if (call % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
          return writer.append(records);
        }),
      );
      await writer.close();
      await withReader(log, async (reader) => {
        const read = await Promise.all(
          [0, 1, 2].map((partition) => readFrom(reader, 'clickstream-events', partition)),
        );
        expect(read.flat()).toHaveLength(calls.flat().length);
        answers.forEach((positions, call) => {
          positions.forEach(({ partition, offset }, index) => {
            const record = read[partition]?.[Number(offset)];
            expect(record && text(record)).toBe(`${call}:${index}`);
          });
        });
      });
    });

    it('never lets timestamps decrease within a partition (S1.5)', async () => {
      const writer = await log.openWriter();
      await writer.append([newRecord({ timestamp: 100 }), newRecord({ timestamp: 90 })]);
      await writer.append([newRecord({ timestamp: 50 })]);
      expect(writer.lastTimestamp()).toBe(100);
      await writer.close();
      const again = await harness.reopen().openWriter();
      expect(again.lastTimestamp()).toBe(100);
      await again.append([newRecord({ timestamp: 80 }), newRecord({ timestamp: 120 })]);
      await again.close();
      await withReader(log, async (reader) => {
        const read = await readFrom(reader, 'clickstream-events', partitionFor('user', 3));
        expect(read.map(({ timestamp }) => timestamp)).toEqual([100, 100, 100, 100, 120]);
      });
    });

    it('describes every partition, and counts what was ever appended (S4.2)', async () => {
      await append([
        newRecord({ timestamp: 5 }),
        newRecord({ timestamp: 6 }),
        newRecord({ topic: 'clickstream-errors', timestamp: 7 }),
      ]);
      await withReader(harness.reopen(), async (reader) => {
        const states = await reader.describe();
        expect(states.map(({ topic, partition }) => `${topic}-${partition}`)).toEqual([
          'clickstream-events-0',
          'clickstream-events-1',
          'clickstream-events-2',
          'clickstream-errors-0',
        ]);
        expect(stateOf(states, 'clickstream-events', partitionFor('user', 3))).toMatchObject({
          startOffset: 0n,
          endOffset: 2n,
          appended: 2n,
          lastTimestamp: 6,
          corrupt: [],
          skipped: [],
        });
        expect(stateOf(states, 'clickstream-errors', 0)).toMatchObject({
          endOffset: 1n,
          appended: 1n,
          lastTimestamp: 7,
        });
        const empty = stateOf(states, 'clickstream-events', (partitionFor('user', 3) + 1) % 3);
        expect(empty).toMatchObject({ startOffset: 0n, endOffset: 0n, appended: 0n, lastTimestamp: 0 });
      });
    });

    it('goes on after the last record when it is opened again', async () => {
      await append([newRecord({ value: 'one' })]);
      const writer = await harness.reopen().openWriter();
      const partition = partitionFor('user', 3);
      expect(await writer.append([newRecord({ value: 'two' })])).toEqual([{ partition, offset: 1n }]);
      await writer.close();
      const read = await withReader(log, (reader) => readFrom(reader, 'clickstream-events', partition));
      expect(read.map(text)).toEqual(['one', 'two']);
    });

    it('has one writer at a time, and names it', async () => {
      const writer = await log.openWriter();
      for (const other of [log, harness.reopen()]) {
        await expect(other.openWriter()).rejects.toMatchObject({
          code: 'log-locked',
          details: { pid: process.pid },
        });
      }
      await writer.close();
      await writer.close();
      const next = await harness.reopen().openWriter();
      await next.close();
    });

    it('flushes on close, and then takes nothing more', async () => {
      const writer = await log.openWriter();
      const pending = writer.append([newRecord()]);
      await writer.close();
      expect(await pending).toHaveLength(1);
      await expect(writer.append([newRecord()])).rejects.toMatchObject({
        code: 'log-closed',
        retryable: false,
      });
      await withReader(harness.reopen(), async (reader) => {
        expect(await readFrom(reader, 'clickstream-events', partitionFor('user', 3))).toHaveLength(1);
      });
    });

    it('refuses what it could not give back, and nothing of that call is written', async () => {
      const writer = await log.openWriter();
      for (const bad of [{ timestamp: 1.5 }, { timestamp: -1 }, { judgedBy: 'j'.repeat(77) }]) {
        await expect(writer.append([newRecord(), newRecord(bad)])).rejects.toMatchObject({
          code: 'log-invalid-record',
        });
      }
      expect((await writer.append([newRecord()]))[0]?.offset).toBe(0n);
      await writer.close();
    });

    it('keeps what a consumer still needs, and finds a sound log sound', async () => {
      const writer = await log.openWriter();
      await writer.append(
        Array.from({ length: 50 }, () => newRecord({ value: 'x'.repeat(500), timestamp: 0 })),
      );
      await writer.applyRetention({ 'clickstream-events': [0n, 0n, 0n], 'clickstream-errors': [0n] });
      const partition = partitionFor('user', 3);
      expect(await writer.skipCorrupt('clickstream-events', partition)).toEqual([]);
      await withReader(log, async (reader) => {
        expect(await readFrom(reader, 'clickstream-events', partition)).toHaveLength(50);
        expect(await reader.verify('clickstream-events', partition)).toEqual([]);
      });
      await writer.close();
    });
  });
}
