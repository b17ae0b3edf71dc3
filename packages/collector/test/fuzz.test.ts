import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventText, jsonLine } from './arbitraries.ts';
import {
  anyString,
  keyText,
  judgingInThread,
  startHarness,
  storedEvent,
  untilJudgingThread,
  type Answer,
  type Harness,
  type HarnessOptions,
  type StoredRecord,
} from './harness.ts';

/**
 * Whatever is sent ends in `clickstream-events`, in `clickstream-errors` or was refused with a reason, and the
 * answer says exactly what the log holds (S5.3).
 */

let harness: Harness;
let seen = { events: 0, errors: 0 };

async function start(judging: HarnessOptions['judging'] = {}): Promise<void> {
  knownEvents.clear();
  seen = { events: 0, errors: 0 };
  harness = await startHarness({
    limits: { maxEventsPerRequest: 20, maxBodyBytes: 4_000, maxDecodedBytes: 6_000 },
    serverKey: { rateLimitDeadLettersPerMinute: 1e9 },
    judging,
  });
}

interface Appended {
  readonly events: StoredRecord[];
  readonly errors: StoredRecord[];
}

/** What one request added to the log. */
async function appended(): Promise<Appended> {
  const events = await harness.stored('clickstream-events');
  const errors = await harness.stored('clickstream-errors');
  const added = {
    events: events.filter((record) => !knownEvents.has(placeOf(record))),
    errors: errors.slice(seen.errors),
  };
  for (const record of added.events) knownEvents.add(placeOf(record));
  seen = { events: events.length, errors: errors.length };
  return added;
}
const knownEvents = new Set<string>();
const placeOf = (at: { partition: number; offset: number | bigint }): string =>
  `${at.partition}:${at.offset}`;

function expectAnswerIsTrue(
  { status, json }: Answer,
  added: Appended,
  sent: readonly Buffer[] | undefined,
): void {
  if (status === 413 || status === 415) {
    expect(json).toMatchObject({ code: anyString, hint: anyString });
    expect(added).toEqual({ events: [], errors: [] });
    return;
  }
  if (status === 400) {
    expect(added.events).toEqual([]);
    expect(added.errors.map(({ offset }) => Number(offset))).toEqual([json.dead_letter.offset]);
    return;
  }
  expect(status).toBe(200);
  const { results } = json;
  const accepted = results.filter((result) => result.status === 'accepted');
  const rejected = results.filter((result) => result.status === 'rejected');
  expect(accepted.length + rejected.length).toBe(results.length);
  expect(new Set(added.events.map(placeOf))).toEqual(new Set(accepted.map(placeOf)));
  expect(added.errors.map(placeOf)).toEqual(rejected.map(placeOf));
  for (const result of accepted) {
    const record = added.events.find((candidate) => placeOf(candidate) === placeOf(result));
    expect(storedEvent(record).event_id).toBe(result.event_id);
  }
  rejected.forEach((result, index) => {
    const { reason, field, message, event_id } = result;
    expect(JSON.parse(keyText(added.errors[index]))).toEqual({
      reason,
      field,
      message,
      event_id,
      source_id: 'backend',
    });
  });
  if (sent === undefined) return;
  expect(results).toHaveLength(sent.length);
  const rejectedBytes = sent.filter((_, index) => results[index]?.status === 'rejected');
  expect(added.errors.map(({ value }) => Buffer.from(value))).toEqual(rejectedBytes);
}

async function expectAccountedFor(
  body: Buffer,
  headers: Record<string, string>,
  sent?: readonly Buffer[],
): Promise<void> {
  const answer = await harness.post(body, headers);
  expectAnswerIsTrue(answer, await appended(), sent);
}

const contentType = fc.constantFrom('application/json', 'application/x-ndjson', 'text/plain', 'text/csv');
const encoding = fc.constantFrom('identity', 'gzip', 'zstd');
const encode: Record<string, (body: Buffer) => Buffer> = {
  identity: (body) => body,
  gzip: (body) => gzipSync(body),
  zstd: (body) => zstdCompressSync(body),
};

describe.each([
  ['this thread', 250, {}],
  ['a thread beside it', 80, judgingInThread],
] as const)('judged in %s', (_where, runs, judging) => {
  beforeAll(async () => {
    await start(judging);
    if (judging === judgingInThread) await untilJudgingThread(harness);
    await appended();
  });
  afterAll(() => harness[Symbol.asyncDispose]());

  test('arbitrary bytes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 300 }),
        contentType,
        encoding,
        fc.boolean(),
        async (bytes, type, name, encoded) => {
          const body = Buffer.from(bytes);
          const sent = encoded ? (encode[name]?.(body) ?? body) : body;
          await expectAccountedFor(sent, { 'content-type': type, 'content-encoding': name });
        },
      ),
      { numRuns: runs },
    );
  });

  test('one event of arbitrary JSON', async () => {
    await fc.assert(
      fc.asyncProperty(eventText, encoding, async (json, name) => {
        const body = Buffer.from(json);
        const sent = encode[name]?.(body) ?? body;
        // An array is a batch of its elements.
        await expectAccountedFor(
          sent,
          { 'content-encoding': name },
          Array.isArray(JSON.parse(json)) ? undefined : [body],
        );
      }),
      { numRuns: runs },
    );
  });

  test('arrays of arbitrary JSON, with white space', async () => {
    const space = fc.string({ unit: fc.constantFrom(' ', '\n', '\t', '\r'), maxLength: 2 });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(space, eventText, space), { maxLength: 25 }), async (elements) => {
        const body = Buffer.from(`[${elements.map((parts) => parts.join('')).join(',')}]`);
        await expectAccountedFor(
          body,
          {},
          elements.map(([, json]) => Buffer.from(json)),
        );
      }),
      { numRuns: runs },
    );
  });

  test('lines of arbitrary JSON and bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(jsonLine, { maxLength: 25 }), fc.boolean(), async (lines, ended) => {
        const separated = lines.flatMap((bytes, index) =>
          ended || index < lines.length - 1 ? [bytes, Buffer.from('\n')] : [bytes],
        );
        await expectAccountedFor(Buffer.concat(separated), { 'content-type': 'application/x-ndjson' }, lines);
      }),
      { numRuns: runs },
    );
  });
});
