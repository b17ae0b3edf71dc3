import type { EventLog, NewRecord } from '@clicklake/event-log';
import { fetchMemory, partitionFor } from '@clicklake/event-log';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EventLogHarness } from '../event-log-harness.ts';
import { newRecord, readFrom, text, withReader } from '../support/records.ts';

export function describeReading(create: () => Promise<EventLogHarness>): void {
  describe('reading', () => {
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

    it('reads from any offset, cutting the first batch there', async () => {
      const writer = await log.openWriter();
      for (let call = 0; call < 5; call += 1) {
        await writer.append(
          Array.from({ length: 9 }, (_, index) => newRecord({ value: `value ${call * 9 + index}` })),
        );
      }
      await writer.close();
      const partition = partitionFor('user', 3);
      await withReader(log, async (reader) => {
        for (let from = 44; from >= 0; from -= 1) {
          const [batch] = await reader.fetch('clickstream-events', partition, BigInt(from), 1);
          expect(batch?.baseOffset).toBe(BigInt(from));
          expect(batch?.records().map(text)[0]).toBe(`value ${from}`);
          const lines = batch?.lines ?? null;
          if (lines !== null) expect(Buffer.from(lines).toString().split('\n')[0]).toBe(`value ${from}`);
          expect(await reader.count('clickstream-events', partition, BigInt(from))).toBe(BigInt(45 - from));
        }
      });
    });

    it('answers about as much as was asked for, and at least a batch', async () => {
      const writer = await log.openWriter();
      for (let call = 0; call < 10; call += 1) await writer.append([newRecord({ value: 'x'.repeat(1000) })]);
      await writer.close();
      await withReader(log, async (reader) => {
        const partition = partitionFor('user', 3);
        const count = async (maxBytes: number) =>
          (await reader.fetch('clickstream-events', partition, 0n, maxBytes)).reduce(
            (sum, each) => sum + each.count,
            0,
          );
        expect(await count(1)).toBe(1);
        expect(await count(3000)).toBe(3);
        expect(await count(1 << 26)).toBe(10);
      });
    });

    it('reads the same over memory that is used again and again', async () => {
      const writer = await log.openWriter();
      for (let call = 0; call < 20; call += 1) {
        await writer.append([newRecord({ key: null, value: `${call} `.repeat(5_000) })]);
      }
      await writer.close();
      await withReader(log, async (reader) => {
        const memory = fetchMemory();
        for (let offset = 0n; offset < 20n; offset += 1n) {
          const [expected] = await reader.fetch('clickstream-events', 0, offset, 100);
          const [batch] = await reader.fetch('clickstream-events', 0, offset, 100, memory);
          expect(batch?.records()).toEqual(expected?.records());
          expect(batch?.records()[0]?.offset).toBe(offset);
        }
      });
    });

    it('answers nothing at the end, and an error outside of the log', async () => {
      await append([newRecord()]);
      const partition = partitionFor('user', 3);
      await withReader(log, async (reader) => {
        expect(await reader.fetch('clickstream-events', partition, 1n, 100)).toEqual([]);
        for (const offset of [2n, -1n]) {
          await expect(reader.fetch('clickstream-events', partition, offset, 100)).rejects.toMatchObject({
            code: 'log-offset-out-of-range',
            details: { topic: 'clickstream-events', partition, offset },
          });
          await expect(reader.count('clickstream-events', partition, offset)).rejects.toMatchObject({
            code: 'log-offset-out-of-range',
          });
        }
        await expect(reader.fetch('clickstream-errors', 1, 0n, 100)).rejects.toMatchObject({
          code: 'log-invalid-argument',
        });
      });
    });

    it.each([
      ['the same process', () => log],
      ['elsewhere', () => harness.reopen()],
    ])('wakes a reader opened in %s', async (_, open) => {
      const writer = await log.openWriter();
      const reader = await open().openReader();
      const never = new AbortController();
      await reader.waitForAppend(never.signal);
      // Nothing new: it waits, until told to stop.
      const stop = new AbortController();
      const stopped = reader.waitForAppend(stop.signal);
      stop.abort();
      await stopped;
      // Waiting while it happens.
      const woken = reader.waitForAppend(never.signal);
      await writer.append([newRecord()]);
      await woken;
      // It happened between two calls.
      await writer.append([newRecord()]);
      await reader.waitForAppend(never.signal);
      expect(await readFrom(reader, 'clickstream-events', partitionFor('user', 3))).toHaveLength(2);
      await reader.close();
      await writer.close();
    });

    it('shows a reader what is acknowledged, at once', async () => {
      const writer = await log.openWriter();
      const reader = await harness.reopen().openReader();
      for (let round = 1; round <= 20; round += 1) {
        const [position] = await writer.append([newRecord({ value: `value ${round}` })]);
        const batches = await reader.fetch(
          'clickstream-events',
          position?.partition ?? 0,
          position?.offset ?? 0n,
          1,
        );
        expect(batches.flatMap((batch) => batch.records()).map(text)).toEqual([`value ${round}`]);
      }
      await reader.close();
      await writer.close();
    });

    it('remembers where a consumer group stands', async () => {
      const offsets = { 'clickstream-events': [1n, 2n ** 60n, 3n], 'clickstream-errors': [4n] };
      await withReader(log, async (reader) => {
        expect(await reader.committed('ingest')).toBeUndefined();
        await reader.commit('other', { ...offsets, 'clickstream-errors': [9n] });
        await reader.commit('ingest', { ...offsets, 'clickstream-errors': [0n] });
        await reader.commit('ingest', offsets);
      });
      await withReader(harness.reopen(), async (reader) => {
        expect(await reader.committed('ingest')).toEqual(offsets);
        expect((await reader.committed('other'))?.['clickstream-errors']).toEqual([9n]);
        await expect(reader.committed('../x')).rejects.toMatchObject({ code: 'log-invalid-argument' });
      });
    });

    it('refuses to read after close', async () => {
      const reader = await log.openReader();
      await reader.close();
      await reader.close();
      await expect(reader.describe()).rejects.toMatchObject({ code: 'log-closed' });
    });
  });
}
