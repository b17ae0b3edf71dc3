import { hash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { localStore } from '@clicklake/delta-lake';
import { noCrashPoints, nodeFileSystem } from '@clicklake/durable-files';
import { openEmbeddedLog } from '@clicklake/event-log';
import { lakePaths, openLakeReader, type EventTrace } from '@clicklake/pipeline';
import { median, quantile, rounded, type Benchmark } from '../benchmark.ts';
import { idOf, openTraceOwner, recordsOf, traceFixture } from '../support/trace-fixture.ts';

/** Milliseconds. */
const bar = 300;

type Kind = 'recent' | 'old' | 'unknown' | 'duplicate' | 'dead letter';

interface Question {
  readonly kind: Kind;
  readonly eventId: string;
}

interface Timed {
  readonly kind: Kind;
  readonly ms: number;
}

export const traceBenchmark: Benchmark = {
  name: 'trace',
  description: 'what became of one event among 10 M of a month: p95 of 100 ids (bar: ≤ 300 ms)',
  async run({ short, say }) {
    const events = short ? 100_000 : 10_000_000;
    const home = await traceFixture(events, say);
    const questions = chooseIds(recordsOf(events), short ? 20 : 100);
    await using opened = new AsyncDisposableStack();
    const owner = opened.adopt(await openTraceOwner(home), (own) => own.close());
    const [warmUp] = questions;
    const startedAt = performance.now();
    if (warmUp !== undefined) await owner.trace(warmUp.eventId);
    const firstMs = performance.now() - startedAt;
    const filters = await filtersMade(lakePaths(home).idFilters);
    const times = await timeAll(questions, (eventId) => owner.trace(eventId));
    say(`through the owner: p95 ${rounded(p95(times), 0)} ms`);
    await owner.close();

    const paths = lakePaths(home);
    const reader = await openLakeReader({
      paths,
      files: nodeFileSystem,
      openStore: localStore,
      crashPoints: noCrashPoints,
      log: openEmbeddedLog({ directory: paths.log }),
      clock: Date.now,
      memoryLimitMb: 256,
    });
    if (reader === undefined) throw new Error('The fixture has no lake.');
    opened.adopt(reader, (own) => own.close());
    const alone = await timeAll(questions.slice(0, 20), (eventId) => reader.trace(eventId));
    const value = p95(times);
    return {
      name: 'trace',
      value: rounded(value, 0),
      bar,
      pass: value <= bar,
      detail: {
        unit: 'ms, p95 through the owner',
        events,
        ids: questions.length,
        // Reads the ids of all events beyond the dedupe window, unless filters of them are there already.
        firstMs: rounded(firstMs, 0),
        filters,
        medianMs: rounded(median(times.map(({ ms }) => ms)), 0),
        medianMsByKind: medians(times),
        withoutAnOwner: {
          p95Ms: rounded(p95(alone), 0),
          medianMs: rounded(median(alone.map(({ ms }) => ms)), 0),
        },
      },
    };
  },
};

/** Waits until the owner has made the filters that the first look found missing. @returns how many there are. */
async function filtersMade(directory: string): Promise<number> {
  for (let before = -1; ;) {
    const { length } = await readdir(directory).catch(() => []);
    if (length === before) return length;
    before = length;
    await setTimeout(2_000);
  }
}

/** Half of them of the last day; the others of the whole month, duplicates, dead letters, and ids of nobody. */
function chooseIds(records: number, count: number): readonly Question[] {
  const kinds: readonly Kind[] = [
    'recent',
    'old',
    'recent',
    'unknown',
    'recent',
    'duplicate',
    'recent',
    'dead letter',
    'recent',
    'old',
  ];
  return Array.from({ length: count }, (_, index): Question => {
    const kind = kinds[index % kinds.length] ?? 'recent';
    const share = fraction(index);
    const within = kind === 'recent' ? 1 - share / 30 : share;
    const hundred = Math.min(Math.floor(records / 100) - 1, Math.floor((within * records) / 100)) * 100;
    if (kind === 'unknown') return { kind, eventId: hash('md5', `nobody-${index}`) };
    const place = kind === 'duplicate' ? 98 : kind === 'dead letter' ? 99 : Math.floor(share * 97);
    return { kind, eventId: idOf(hundred + place) };
  });
}

/** Spread over 0 to 1 without a pattern: the multiples of the golden ratio. */
function fraction(index: number): number {
  return ((index + 1) * 0.618_033_988_75) % 1;
}

async function timeAll(
  questions: readonly Question[],
  trace: (eventId: string) => Promise<EventTrace>,
): Promise<readonly Timed[]> {
  const times: Timed[] = [];
  for (const { kind, eventId } of questions) {
    const startedAt = performance.now();
    const { records } = await trace(eventId);
    times.push({ kind, ms: performance.now() - startedAt });
    const verdicts = records.map(({ verdict }) => verdict).join();
    if (verdicts !== expected[kind])
      throw new Error(`${kind} ${eventId} was found as "${verdicts}", not "${expected[kind]}".`);
  }
  return times;
}

const expected: Readonly<Record<Kind, string>> = {
  recent: 'valid',
  old: 'valid',
  unknown: '',
  duplicate: 'valid,duplicate',
  'dead letter': 'dead_letter',
};

function p95(times: readonly Timed[]): number {
  return quantile(
    times.map(({ ms }) => ms),
    0.95,
  );
}

function medians(times: readonly Timed[]): Readonly<Record<string, number>> {
  const kinds = [...new Set(times.map(({ kind }) => kind))];
  return Object.fromEntries(
    kinds.map((kind) => [
      kind,
      rounded(median(times.filter((timed) => timed.kind === kind).map(({ ms }) => ms)), 0),
    ]),
  );
}
