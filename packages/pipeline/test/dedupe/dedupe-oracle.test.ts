import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openDedupeIndex, type DedupeIndex, type DedupeState } from '../../src/dedupe/index.ts';
import {
  batchOf,
  inTemporaryDirectory,
  judgeNaively,
  optionsIn,
  start,
  verdictsOf,
  type LogRecord,
} from './dedupe-support.ts';

const windowMs = 1000;
const bucketMs = 300;
/** Records come up to this much out of order. */
const disorder = 700;

// Few words, so that ids share 32, 64 and 96 bits all the time, and the ends of the range are met.
const word = fc.constantFrom(0, 1, 0x8000_0000, 0xffff_ffff);
const record = fc.record({
  hash: fc.tuple(fc.constantFrom(0, 7, 0xffff_ffff), fc.constantFrom(0, 1), fc.constant(5), word),
  sinceClock: fc.integer({ min: -disorder, max: 0 }),
  partition: fc.integer({ min: 0, max: 2 }),
});

const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('read' as const),
      records: fc.array(record, { maxLength: 30 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('commit' as const) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('save' as const), force: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('save-then-crash' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('crash' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('drop-tail' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 1500 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('expire' as const) }) },
);
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

/** Ingest in small: a log, a tail and Silver, each step checked against S3 word for word. */
async function run(directory: string, steps: readonly Step[]): Promise<void> {
  const options = optionsIn(directory, { windowMs, bucketMs });
  let index: DedupeIndex = (await openDedupeIndex(options)).index;
  const log: LogRecord[] = [];
  let silver: LogRecord[] = [];
  let silverVersion = 0;
  let covered = [0, 0, 0];
  let tail: LogRecord[] = [];
  const next = [0, 0, 0];
  let clock = start;

  const state = (offsets: readonly number[], version: number): DedupeState => ({
    silverVersion: version,
    covered: offsets.map(BigInt),
  });
  const judge = async (records: readonly LogRecord[]): Promise<void> => {
    const expected = judgeNaively([...silver, ...tail], records, windowMs);
    expect(verdictsOf(records, await index.check(batchOf(records)))).toEqual(expected);
    tail.push(...expected.filter((verdict) => verdict.first === undefined).map((verdict) => verdict.record));
  };
  const judgeAgain = async (split: number): Promise<void> => {
    tail = [];
    const uncommitted = log.filter((each) => each.offset >= (covered[each.partition] ?? 0));
    for (let from = 0; from < uncommitted.length; from += split)
      await judge(uncommitted.slice(from, from + split));
  };
  const restart = async (): Promise<void> => {
    await index.close();
    const opened = await openDedupeIndex(options);
    index = opened.index;
    const since = opened.state?.covered ?? [];
    await index.load(batchOf(silver.filter((each) => each.offset >= Number(since[each.partition] ?? 0n))));
    await index.begin(covered.map(BigInt));
    await judgeAgain(7);
  };
  const carryOut: { [K in Step['kind']]: (step: Extract<Step, { kind: K }>) => unknown } = {
    read: async ({ records }) => {
      const arrived = records.map(({ hash, sinceClock, partition }) => {
        const offset = next[partition] ?? 0;
        next[partition] = offset + 1;
        return { hash, receivedAt: clock + sinceClock, partition, offset };
      });
      log.push(...arrived);
      await judge(arrived);
    },
    commit: () => {
      silver = [...silver, ...tail];
      tail = [];
      covered = [...next];
      silverVersion += 1;
    },
    save: ({ force }) => index.save(state(covered, silverVersion), { force }),
    'save-then-crash': async () => {
      // The state names the commit that is about to come, and never does.
      await index.save(state(next, silverVersion + 1), { force: true });
      await restart();
    },
    crash: restart,
    'drop-tail': async () => {
      await index.begin(covered.map(BigInt));
      await judgeAgain(5);
    },
    wait: ({ ms }) => {
      clock += ms;
    },
    expire: () => {
      // What is not committed may be judged again after a crash.
      const oldest = log
        .filter((each) => each.offset >= (covered[each.partition] ?? 0))
        .reduce((least, each) => Math.min(least, each.receivedAt), clock - disorder);
      return index.expire(oldest - windowMs);
    },
  };
  for (const each of steps) await (carryOut[each.kind] as (step: Step) => unknown)(each);
  await index.close();
}

test('S3: the index agrees with the definition through batches, commits, crashes, expiry and any order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), (steps) =>
      inTemporaryDirectory((directory) => run(directory, steps)),
    ),
    {
      numRuns: 150,
      // A state saved for a commit that never came; its offsets were committed later with other verdicts.
      examples: [
        [
          [
            { kind: 'read', records: [{ hash: [7, 0, 5, 1], sinceClock: 0, partition: 0 }] },
            { kind: 'save-then-crash' },
            { kind: 'commit' },
            { kind: 'read', records: [{ hash: [7, 0, 5, 1], sinceClock: 0, partition: 0 }] },
            { kind: 'crash' },
          ],
        ],
      ],
    },
  );
});
