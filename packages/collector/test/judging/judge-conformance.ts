import { randomUUID } from 'node:crypto';
import { createContract } from '@clicklake/contract';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BodyJudge, JudgeTask, RequestFacts, Verdict } from '../../src/judging/body-judge.ts';
import { createJudgeOne, type JudgeOne } from '../../src/judging/judge-here.ts';
import { event } from '../harness.ts';
import { eventText, jsonLine } from '../arbitraries.ts';

export const contract = createContract();
export const maxEvents = 10_000;

export const facts: RequestFacts = {
  receivedAt: Date.UTC(2026, 0, 2),
  sourceId: 'backend',
  clientIp: '198.51.100.23',
  trustBodyIp: true,
  truncateIp: false,
  userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0',
};

export function taskOf(body: string | Buffer, given: Partial<JudgeTask> = {}): JudgeTask {
  return { body: Buffer.from(body), format: 'json', facts, ...given };
}

export function batchOf(count: number, fields: Record<string, unknown> = {}): string {
  return JSON.stringify(Array.from({ length: count }, () => event({ event_id: randomUUID(), ...fields })));
}

/** Everything that a verdict says, copied out of its memory. */
export function said(verdict: Verdict): unknown {
  if ('reason' in verdict) return verdict;
  const { records, outcomes } = verdict;
  const { bytes, count, places, kinds, kindOf, timestamp } = records;
  return {
    timestamp,
    records: Array.from({ length: count }, (_, index) => {
      const [keyStart, keyEnd, start, end] = places.subarray(index * 4, index * 4 + 4);
      return {
        ...kinds[kindOf[index] ?? 0],
        key: bytes.toString('latin1', keyStart, keyEnd),
        value: bytes.toString('latin1', start, end),
      };
    }),
    count: outcomes.count,
    ids: outcomes.ids.toString('latin1'),
    idEnds: [...outcomes.idEnds],
    rejections: [...outcomes.rejections],
  };
}

const requestFacts: fc.Arbitrary<RequestFacts> = fc.record({
  receivedAt: fc.integer({ min: 0, max: 2 ** 42 }),
  sourceId: fc.constantFrom('web', 'Ünïcode 👟', 'a"b\\c'),
  clientIp: fc.constantFrom('198.51.100.23', '2001:db8::1', null),
  trustBodyIp: fc.boolean(),
  truncateIp: fc.boolean(),
  userAgent: fc.constantFrom(null, '', facts.userAgent, 'Googlebot/2.1', 'Naïve "agent"'),
});

const task: fc.Arbitrary<JudgeTask> = fc
  .tuple(
    fc.oneof(
      eventText.map((json) => Buffer.from(json)),
      fc.array(eventText, { maxLength: 20 }).map((elements) => Buffer.from(`[${elements.join(' ,\n')}]`)),
      fc.array(jsonLine, { maxLength: 20 }).map((lines) => {
        return Buffer.concat(lines.flatMap((line) => [line, Buffer.from('\n')]));
      }),
    ),
    fc.constantFrom('json' as const, 'ndjson' as const),
    requestFacts,
  )
  .map(([body, format, given]) => ({ body, format, facts: given }));

/** An event without an id gets a random one: two judges agree on all but that. */
const withoutNewIds = (text: unknown): string =>
  JSON.stringify(text).replaceAll(
    /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/g,
    'new',
  );

/** What every implementation of the port must do; it knows nothing of how they do it. */
export function describeBodyJudge(name: string, create: (judgeOne: JudgeOne) => BodyJudge): void {
  describe(`${name}: the body judge port`, () => {
    let judge: BodyJudge;
    const reference = createJudgeOne(contract, maxEvents);
    beforeAll(() => {
      judge = create(createJudgeOne(contract, maxEvents));
    });
    afterAll(() => judge.close());

    test('gives the verdicts that judging says, whatever is sent', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(task, { minLength: 1, maxLength: 12 }), async (tasks) => {
          const verdicts = await Promise.all(tasks.map((each) => judge.judge(each, said)));
          expect(verdicts.map(withoutNewIds)).toEqual(
            tasks.map((each) => withoutNewIds(said(reference(each)))),
          );
        }),
        { numRuns: 150 },
      );
    });

    test('takes in the order of the calls, whatever the size of a body or of its verdict', async () => {
      const bodies = Array.from({ length: 60 }, (_, index) => {
        // Every seventh is large, every eleventh becomes more dead letters than it has bytes.
        if (index % 7 === 6) return batchOf(300, { page_url: 'x'.repeat(1_800) });
        if (index % 11 === 10) return `[${'1,'.repeat(9_000)}1]`;
        return batchOf((index % 5) * 30 + 1);
      });
      const order: number[] = [];
      await Promise.all(
        bodies.map((body, index) =>
          judge.judge(taskOf(body), (verdict) => {
            order.push(index);
            expect(said(verdict)).toEqual(said(reference(taskOf(body))));
          }),
        ),
      );
      expect(order).toEqual(bodies.map((_, index) => index));
      expect(judge.pending()).toBe(0);
    });

    test('refuses a body of too many events, and goes on with the next', async () => {
      const tooMany = judge.judge(taskOf(`[${'1,'.repeat(maxEvents)}1]`), said);
      const next = judge.judge(taskOf(batchOf(1)), said);
      await expect(tooMany).rejects.toMatchObject({ code: 'too-many-events', details: { limit: maxEvents } });
      await expect(next).resolves.toMatchObject({ count: 1 });
    });

    test('what taking a verdict throws is its caller’s, and nobody else’s', async () => {
      const failed = judge.judge(taskOf(batchOf(2)), () => {
        throw new Error('of the taker');
      });
      const rejected = judge.judge(taskOf(batchOf(2)), () => Promise.reject(new Error('of its promise')));
      const next = judge.judge(taskOf(batchOf(1)), said);
      await expect(failed).rejects.toThrow('of the taker');
      await expect(rejected).rejects.toThrow('of its promise');
      await expect(next).resolves.toMatchObject({ count: 1 });
    });

    test('who takes a verdict may come with the next body', async () => {
      const order: string[] = [];
      let inner: Promise<unknown> = Promise.resolve();
      const outer = Array.from({ length: 20 }, (_, index) =>
        judge.judge(taskOf(batchOf(50)), () => {
          if (index === 0) inner = judge.judge(taskOf(batchOf(3)), () => order.push('inner'));
          order.push(`outer ${index}`);
        }),
      );
      await Promise.all(outer);
      await inner;
      expect(order).toHaveLength(21);
      expect(order).toContain('inner');
    });
  });

  test(`${name}: what was given before the close is still taken`, async () => {
    const judge = create(createJudgeOne(contract, maxEvents));
    const counts = Array.from({ length: 30 }, (_, index) =>
      judge.judge(taskOf(batchOf(index + 1)), (verdict) =>
        'records' in verdict ? verdict.records.count : -1,
      ),
    );
    await judge.close();
    await expect(Promise.all(counts)).resolves.toEqual(Array.from({ length: 30 }, (_, index) => index + 1));
    await judge.close();
  });
}
