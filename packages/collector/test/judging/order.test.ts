import type { LogWriter } from '@clicklake/event-log';
import { expect, test } from 'vitest';
import {
  event,
  judgingInThread,
  startHarness,
  storedEvent,
  untilJudgingThread,
  type StoredRecord,
} from '../harness.ts';

function receivedAt(record: StoredRecord): number {
  return Date.parse(String(storedEvent(record).received_at));
}

test('received_at never decreases within a partition, whoever else appends in the meantime (S1.5)', async () => {
  let clock = Date.UTC(2026, 0, 2);
  let foreign = 0;
  // Another writer of the same log, with a clock ahead of what the bodies that wait to be judged are stamped with.
  const alongside = (writer: LogWriter): LogWriter => ({
    ...writer,
    appendBlock(block) {
      const appended = writer.appendBlock(block);
      foreign += 1;
      const record = (key: string) => ({
        topic: 'clickstream-events' as const,
        key,
        value: JSON.stringify({ received_at: new Date(clock + 3).toISOString() }),
        timestamp: clock + 3,
        judgedBy: null,
      });
      if (foreign % 5 === 0) void writer.append(['a', 'b', 'c', 'd'].map(record));
      return appended;
    },
  });
  await using harness = await startHarness({
    now: () => (clock += 1),
    judging: judgingInThread,
    wrapWriter: alongside,
  });
  await untilJudgingThread(harness);
  let sent = 0;
  for (let round = 0; round < 12; round += 1) {
    const posts = Array.from({ length: 12 }, async (_, index) => {
      const batch = Array.from({ length: 40 }, (_unused, n) =>
        event({ user_id: `u-${index}`, event_id: `${round}/${index}/${n}` }),
      );
      sent += batch.length;
      // Undecodable bodies go past the judge.
      const answer =
        index % 4 === 3
          ? await harness.post('not gzip', { 'content-encoding': 'gzip' })
          : await harness.post(JSON.stringify(batch));
      if (index % 4 === 3) sent -= batch.length;
      expect(answer.status).toBe(index % 4 === 3 ? 400 : 200);
    });
    await Promise.all(posts);
  }

  const stored = await harness.stored('clickstream-events');
  const own = stored.filter(({ judgedBy }) => judgedBy !== null);
  expect(own).toHaveLength(sent + 1);
  for (const partition of [0, 1, 2]) {
    const times = stored.filter((record) => record.partition === partition).map(receivedAt);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  }
  for (const record of stored) expect(record.timestamp).toBe(receivedAt(record));
  const errors = (await harness.stored('clickstream-errors')).map(({ timestamp }) => timestamp);
  expect(errors).toEqual(errors.toSorted((a, b) => a - b));

  // One connection's batches, and the events within each, as they were sent.
  for (let user = 0; user < 12; user += 1) {
    const ids = own.map(storedEvent).filter((each) => each.user_id === `u-${user}`);
    const order = ids.map(({ event_id }) => String(event_id).split('/').map(Number));
    expect(order).toEqual(order.toSorted(([a = 0, , c = 0], [d = 0, , f = 0]) => a - d || c - f));
  }
});

test('a stop answers what the thread still has (graceful stop drains)', async () => {
  await using harness = await startHarness({ judging: judgingInThread });
  await untilJudgingThread(harness);
  const bodies = Array.from({ length: 30 }, (_, index) =>
    JSON.stringify(Array.from({ length: 100 }, (_unused, n) => event({ event_id: `${index}/${n}` }))),
  );
  // Connections that a stop finds without a request are reset, and their posts fail before it has ended.
  const answers = Promise.allSettled(bodies.map((body) => harness.post(body)));
  await expect.poll(() => harness.collector.snapshot().accepted).toBeGreaterThan(1);
  await harness.collector.stop();
  expect(harness.collector.snapshot()).toMatchObject({ judgingThread: false, inFlightBytes: 0 });

  const told = (await answers).flatMap((answer) =>
    answer.status === 'fulfilled' && answer.value.status === 200
      ? answer.value.json.results.map(({ event_id }) => event_id)
      : [],
  );
  const stored = (await harness.stored('clickstream-events')).map((record) => storedEvent(record).event_id);
  // The first event made the thread start.
  expect(new Set(stored)).toEqual(new Set([event().event_id, ...told]));
  expect(stored).toHaveLength(told.length + 1);
});
