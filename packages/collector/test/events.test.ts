import { gzipSync, zstdCompressSync } from 'node:zlib';
import { createContract } from '@clicklake/contract';
import { expect, test } from 'vitest';
import {
  anyNumber,
  event,
  keyText,
  pageOrigin,
  startHarness,
  storedEvent,
  text,
  type Harness,
  type Result,
  type StoredRecord,
} from './harness.ts';

/** The record that a result points to. */
function at(records: StoredRecord[], result: Result | undefined): StoredRecord | undefined {
  return records.find(
    ({ partition, offset }) => partition === result?.partition && offset === BigInt(result.offset),
  );
}

test('one event is in the log, normalised, where the answer says', async () => {
  await using harness = await startHarness({ now: () => Date.UTC(2026, 0, 2) });
  const { status, json } = await harness.post(JSON.stringify(event()));
  expect(status).toBe(200);
  expect(json.results).toEqual([{ event_id: 'e-1', status: 'accepted', partition: anyNumber, offset: 0 }]);
  const record = at(await harness.stored('clickstream-events'), json.results[0]);
  expect(storedEvent(record)).toMatchObject({
    event_id: 'e-1',
    user_id: 'u-1',
    source_id: 'backend',
    received_at: '2026-01-02T00:00:00.000Z',
    is_bot: false,
  });
  // S1.2: the key is the user; ingest trusts what bears its own contract's fingerprint.
  expect(keyText(record)).toBe('u-1');
  expect(record?.judgedBy).toBe(createContract().fingerprint);
  expect(record?.timestamp).toBe(Date.UTC(2026, 0, 2));
});

test('an event without an id gets one, which the answer tells (S2.1)', async () => {
  await using harness = await startHarness();
  const { json } = await harness.post(JSON.stringify({ event_type: 'page_view', anonymous_id: 'a' }));
  const [record] = await harness.stored('clickstream-events');
  expect(json.results[0]?.event_id).toMatch(/^[0-9a-f-]{36}$/);
  expect(storedEvent(record).event_id).toBe(json.results[0]?.event_id);
});

test('an array is answered in the order sent; a rejected element is kept as its exact bytes (S1.3)', async () => {
  await using harness = await startHarness();
  const bad = '{ "event_type":"page_view",\n "user_id" : "u" , "scroll_depth": "12", "title":"],[\\"}" }';
  const body = `[${JSON.stringify(event({ event_id: 'first' }))} , ${bad}\t,${JSON.stringify(event({ event_id: 'last' }))}]`;
  const { status, json } = await harness.post(body);
  expect(status).toBe(200);
  expect(json.results.map((result) => result.status)).toEqual(['accepted', 'rejected', 'accepted']);
  const rejected = json.results[1];
  expect(rejected).toMatchObject({
    field: 'scroll_depth',
    reason: 'wrong_type',
    topic: 'clickstream-errors',
  });
  const events = await harness.stored('clickstream-events');
  expect(storedEvent(at(events, json.results[0])).event_id).toBe('first');
  expect(storedEvent(at(events, json.results[2])).event_id).toBe('last');
  const dead = at(await harness.stored('clickstream-errors'), rejected);
  expect(text(dead)).toBe(bad);
  expect(dead?.judgedBy).toBeNull();
  expect(keyText(dead)).toBe(
    JSON.stringify({
      reason: 'wrong_type',
      field: 'scroll_depth',
      message: rejected?.message,
      event_id: null,
      source_id: 'backend',
    }),
  );
});

test('NDJSON is judged line by line (S5.3)', async () => {
  await using harness = await startHarness();
  const lines = [
    Buffer.from(JSON.stringify(event({ event_id: 'a' }))),
    Buffer.from('{"event_type":'),
    Buffer.from([0x22, 0xff, 0x22]),
    Buffer.from('42'),
    Buffer.from(JSON.stringify(event({ event_id: 'b' }))),
  ];
  const body = Buffer.concat(lines.flatMap((line) => [line, Buffer.from('\n'), Buffer.from(' \r\n')]));
  const { status, json } = await harness.post(body, { 'content-type': 'application/x-ndjson' });
  expect(status).toBe(200);
  expect(json.results.map((result) => result.reason)).toEqual([
    undefined,
    'malformed_json',
    'malformed_json',
    'not_an_object',
    undefined,
  ]);
  const dead = await harness.stored('clickstream-errors');
  expect(dead.map(({ value }) => Buffer.from(value))).toEqual(lines.slice(1, 4));
});

test('all rejected is still 200 (S5.3)', async () => {
  await using harness = await startHarness();
  const { status, json } = await harness.post('[1, null]');
  expect(status).toBe(200);
  expect(json.results).toHaveLength(2);
  expect((await harness.stored('clickstream-errors')).map(text)).toEqual(['1', 'null']);
});

test('no events, no records', async () => {
  await using harness = await startHarness();
  expect((await harness.post(' [ ] ')).json).toEqual({ results: [] });
  expect((await harness.post('\n\n', { 'content-type': 'application/x-ndjson' })).json).toEqual({
    results: [],
  });
  expect(await harness.stored('clickstream-events')).toEqual([]);
  expect(await harness.stored('clickstream-errors')).toEqual([]);
});

test.each([
  ['cut short', Buffer.from('[{"event_type":"page_view"'), 'malformed_json'],
  ['empty', Buffer.alloc(0), 'malformed_json'],
  ['not UTF-8', Buffer.from([0x5b, 0x22, 0xc3, 0x28, 0x22, 0x5d]), 'malformed_json'],
  ['absurdly nested', Buffer.from('['.repeat(200_000)), 'too_deep'],
])('an unparseable body (%s) is one dead letter and 400 (S5.3)', async (_name, body, reason) => {
  await using harness = await startHarness();
  const { status, json } = await harness.post(body);
  expect(status).toBe(400);
  expect(json).toMatchObject({
    code: 'body-unparseable',
    dead_letter: { topic: 'clickstream-errors', partition: 0, offset: 0, reason },
  });
  const dead = await harness.stored('clickstream-errors');
  expect(dead.map(({ value }) => Buffer.from(value))).toEqual([body]);
  expect(JSON.parse(keyText(dead[0]))).toMatchObject({ reason, event_id: null, source_id: 'backend' });
  expect(harness.collector.snapshot()).toMatchObject({ rejected: 1, refused: { 'body-unparseable': 1 } });
});

test.each([
  ['gzip', gzipSync],
  ['zstd', zstdCompressSync],
] as const)('%s bodies are decoded; the bytes kept are the decoded ones', async (encoding, compress) => {
  await using harness = await startHarness();
  const body = `[${JSON.stringify(event())}, 17 ]`;
  const answer = await harness.post(compress(body), { 'content-encoding': encoding });
  expect(answer.json.results.map((result) => result.status)).toEqual(['accepted', 'rejected']);
  expect((await harness.stored('clickstream-errors')).map(text)).toEqual(['17']);

  const cut = compress(body).subarray(0, -3);
  const broken = await harness.post(cut, { 'content-encoding': encoding });
  expect(broken.status).toBe(400);
  expect(Buffer.from((await harness.stored('clickstream-errors'))[1]?.value ?? [])).toEqual(cut);
});

test('megabytes of events in one request are all stored, in the order sent for each user', async () => {
  await using harness = await startHarness();
  const ids = Array.from({ length: 5_000 }, (_, index) => `e-${index}`);
  const events = ids.map((id) => event({ event_id: id, page_title: 'x'.repeat(500) }));
  const { status, json } = await harness.post(JSON.stringify(events));
  expect(status).toBe(200);
  expect(json.results.map(({ event_id }) => event_id)).toEqual(ids);
  const stored = await harness.stored('clickstream-events');
  expect(stored.map((record) => storedEvent(record).event_id)).toEqual(ids);
});

test('text/plain is JSON too, and Basic authorization carries the key as user', async () => {
  await using harness = await startHarness();
  const answer = await harness.post(JSON.stringify(event()), {
    'content-type': 'text/plain;charset=UTF-8',
    authorization: `Basic ${Buffer.from(`${harness.server.key}:`).toString('base64')}`,
  });
  expect(answer.json.results[0]?.status).toBe('accepted');
});

test('the user agent of the request enriches events; a bot is marked, not dropped', async () => {
  await using harness = await startHarness();
  const phone =
    'Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Mobile/15E148 Safari/604.1';
  const bot = 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)';
  await harness.post(JSON.stringify(event({ event_id: 'phone' })), { 'user-agent': phone });
  await harness.post(JSON.stringify(event({ event_id: 'bot', user_agent: bot })), { 'user-agent': phone });
  await harness.post(JSON.stringify(event({ event_id: 'long' })), {
    'user-agent': `${phone}${'x'.repeat(5_000)}`,
  });
  await harness.post(JSON.stringify(event({ event_id: 'none', user_agent: '' })), { 'user-agent': '' });
  const stored = await recordsById(harness);
  expect(stored.get('phone')).toMatchObject({
    device_type: 'mobile',
    browser: 'Safari',
    os: 'iOS',
    is_bot: false,
  });
  expect(stored.get('bot')).toMatchObject({ is_bot: true, user_agent: bot });
  expect(stored.get('long')).toMatchObject({ device_type: 'mobile' });
  expect(stored.get('none')?.device_type).toBeUndefined();
});

test('a server’s own HTTP library is no visitor’s device, and no bot (S1.1)', async () => {
  await using harness = await startHarness();
  const library = { 'user-agent': 'curl/8.5.0' };
  const browserKey = { ...library, authorization: `Bearer ${harness.browser.key}`, origin: pageOrigin };
  await harness.post(JSON.stringify(event({ event_id: 'from-server' })), library);
  await harness.post(JSON.stringify(event({ event_id: 'said', user_agent: 'curl/8.5.0' })), library);
  await harness.post(JSON.stringify(event({ event_id: 'from-page' })), browserKey);
  const stored = await recordsById(harness);
  expect(stored.get('from-server')).toMatchObject({ is_bot: false });
  expect(stored.get('from-server')?.user_agent).toBeUndefined();
  expect(stored.get('said')).toMatchObject({ is_bot: true });
  expect(stored.get('from-page')).toMatchObject({ is_bot: true });
});

test('received_at never decreases when the clock jumps back, nor after a restart (S1.5)', async () => {
  let now = 2_000_000_000_000;
  await using harness = await startHarness({ now: () => now });
  await harness.writer.append([
    { topic: 'clickstream-events', key: 'u-1', value: '{}', timestamp: now + 5_000, judgedBy: null },
  ]);
  await harness.post(JSON.stringify(event()));
  now -= 86_400_000;
  await harness.post(JSON.stringify(event()));
  const stamps = (await harness.stored('clickstream-events')).map(({ timestamp }) => timestamp);
  expect(stamps).toEqual([2_000_000_005_000, 2_000_000_005_000, 2_000_000_005_000]);
});

test('integers beyond 2^53 survive in a batch as text (S1.4)', async () => {
  await using harness = await startHarness();
  await harness.post(
    '[{"event_id":"big","event_type":"page_view","user_id":"u","order":12345678901234567890}]',
  );
  const [record] = await harness.stored('clickstream-events');
  expect(text(record)).toContain('12345678901234567890');
});

async function recordsById(harness: Harness): Promise<Map<string, Record<string, unknown>>> {
  const stored = await harness.stored('clickstream-events');
  return new Map(
    stored.map((record) => {
      const value = storedEvent(record);
      return [String(value.event_id), value];
    }),
  );
}
