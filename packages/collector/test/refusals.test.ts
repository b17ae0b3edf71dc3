import { gzipSync, zstdCompressSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { anyString, event, pageOrigin, startHarness, type Answer, type Harness } from './harness.ts';

const body = JSON.stringify(event());

async function expectRefused(
  harness: Harness,
  answer: Answer,
  status: number,
  code: string,
  stored = 0,
): Promise<void> {
  expect(answer.json).toMatchObject({ code, message: anyString, hint: anyString });
  expect(answer.status).toBe(status);
  expect(harness.collector.snapshot().refused).toMatchObject({ [code]: 1 });
  expect(harness.collector.snapshot().inFlightBytes).toBe(0);
  const records = [
    ...(await harness.stored('clickstream-events')),
    ...(await harness.stored('clickstream-errors')),
  ];
  expect(records).toHaveLength(stored);
}

test.each([
  ['no key', {}, 401, 'key-missing'],
  ['another scheme', { authorization: 'Digest abc' }, 401, 'key-missing'],
  ['an unknown key', { authorization: 'Bearer wks_nobody' }, 401, 'key-unknown'],
] as const)('%s: 401, counted, not stored', async (_name, headers, status, code) => {
  await using harness = await startHarness();
  const answer = await harness.send('/v1/events', {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', ...headers },
  });
  await expectRefused(harness, answer, status, code);
});

test('a revoked key is refused at once', async () => {
  await using harness = await startHarness();
  expect((await harness.post(body)).status).toBe(200);
  expect(await harness.keys.revoke(harness.server.key)).toBe(true);
  await expectRefused(harness, await harness.post(body), 401, 'key-unknown', 1);
});

test.each([
  ['another media type', { 'content-type': 'application/x-www-form-urlencoded' }, 'media-type-unsupported'],
  ['a malformed media type', { 'content-type': 'json' }, 'media-type-unsupported'],
  ['another encoding', { 'content-encoding': 'br' }, 'encoding-unsupported'],
  ['two encodings', { 'content-encoding': 'gzip, gzip' }, 'encoding-unsupported'],
])('%s: 415', async (_name, headers, code) => {
  await using harness = await startHarness();
  await expectRefused(harness, await harness.post(body, headers), 415, code);
});

test('a browser key without its origin: 403', async () => {
  await using harness = await startHarness();
  const authorization = `Bearer ${harness.browser.key}`;
  await expectRefused(harness, await harness.post(body, { authorization }), 403, 'origin-not-allowed');
});

test('an announced length over the limit is refused before the body is read', async () => {
  await using harness = await startHarness({ limits: { maxBodyBytes: 1_000 } });
  await expectRefused(harness, await harness.post(Buffer.alloc(1_001, 0x20)), 413, 'body-too-large');
});

test('a chunked body over the limit is cut off', async () => {
  await using harness = await startHarness({ limits: { maxBodyBytes: 1_000 } });
  const answer = await harness.send('/v1/events', {
    method: 'POST',
    body: (async function* chunks() {
      for (let index = 0; index < 20; index += 1) yield await Promise.resolve(Buffer.alloc(100, 0x20));
    })() as never,
    headers: { authorization: `Bearer ${harness.server.key}`, 'content-type': 'application/json' },
  });
  await expectRefused(harness, answer, 413, 'body-too-large');
});

test.each([
  ['gzip', gzipSync],
  ['zstd', zstdCompressSync],
] as const)('a %s bomb is cut off at the decoded limit', async (encoding, compress) => {
  await using harness = await startHarness({ limits: { maxDecodedBytes: 1 << 20 } });
  const bomb = compress(Buffer.alloc(64 << 20));
  expect(bomb.length).toBeLessThan(100_000);
  await expectRefused(
    harness,
    await harness.post(bomb, { 'content-encoding': encoding }),
    413,
    'body-too-large',
  );
});

test.each([
  ['application/json', JSON.stringify([event(), event(), event()])],
  ['application/x-ndjson', `${body}\n${body}\n${body}`],
])('too many events in %s: 413, none stored', async (type, many) => {
  await using harness = await startHarness({ limits: { maxEventsPerRequest: 2 } });
  await expectRefused(harness, await harness.post(many, { 'content-type': type }), 413, 'too-many-events');
});

test('bodies beyond the memory for all of them: 503 with Retry-After', async () => {
  await using harness = await startHarness({ limits: { maxInFlightBytes: 50 } });
  const answer = await harness.post(body);
  expect(answer.headers['retry-after']).toBe('1');
  await expectRefused(harness, answer, 503, 'collector-busy');
});

test.each([
  [{ lagRecords: 11, diskFreeBytes: 1e12 }, 429, 'ingest-lagging'],
  [{ lagRecords: 0, diskFreeBytes: 9 }, 503, 'disk-low'],
] as const)('under pressure %o: %i with Retry-After, until it is gone', async (high, status, code) => {
  let pressure = { lagRecords: 10, diskFreeBytes: 10 };
  await using harness = await startHarness({
    limits: { maxLagRecords: 10, minDiskFreeBytes: 10 },
    pressure: () => pressure,
  });
  expect((await harness.post(body)).status).toBe(200);
  pressure = high;
  const answer = await harness.post(body);
  expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  await expectRefused(harness, answer, status, code, 1);
});

test('a full log: 503 with Retry-After, and nothing is called accepted (S5.3)', async () => {
  const failures: unknown[] = [];
  await using harness = await startHarness({
    log: { maxDiskBytes: 40_000 },
    onFailure: (error) => failures.push(error),
  });
  let accepted = 0;
  let answer = await harness.post(body);
  while (answer.status === 200) {
    accepted += 1;
    answer = await harness.post(
      JSON.stringify(event({ page_url: `https://shop.example/${'x'.repeat(1_000)}` })),
    );
  }
  expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  expect(failures).toHaveLength(1);
  await expectRefused(harness, answer, 503, 'log-full', accepted);
  // Dead letters count towards the disk limit as well.
  expect((await harness.post(Buffer.alloc(50_000, 0x7b))).status).toBe(503);
});

test('a closed log: 503, told to the owner', async () => {
  const failures: unknown[] = [];
  await using harness = await startHarness({ onFailure: (error) => failures.push(error) });
  await harness.writer.close();
  await expectRefused(harness, await harness.post(body), 503, 'log-unavailable');
  expect(failures).toMatchObject([{ code: 'log-closed' }]);
});

test('dead letters are limited for each key; valid events still pass (S5.3)', async () => {
  await using harness = await startHarness({ serverKey: { rateLimitDeadLettersPerMinute: 2 } });
  // One request may overdraw, or a large one could never pass.
  expect((await harness.post('[1, 2, 3, 4]')).status).toBe(200);
  const limited = await harness.post('[5]');
  expect(limited.headers['retry-after']).toMatch(/^\d+$/);
  await expectRefused(harness, limited, 429, 'dead-letters-limited', 4);
  expect((await harness.post('not json')).status).toBe(429);
  expect((await harness.post(body)).status).toBe(200);
  const browser = { authorization: `Bearer ${harness.browser.key}`, origin: pageOrigin };
  expect((await harness.post('[6]', browser)).status).toBe(200);
});

test.each(['evil.example', 'evil.example:8085', '127.0.0.1.evil.example', '[::2]:1'])(
  'the Host header %s is refused on every route (S6.5)',
  async (host) => {
    await using harness = await startHarness();
    const routes = [
      ['POST', '/v1/events'],
      ['OPTIONS', '/v1/events'],
      ['GET', '/health'],
      ['GET', '/openapi.json'],
      ['GET', '/nowhere'],
    ] as const;
    for (const [method, path] of routes) {
      const answer = await harness.send(path, { method, headers: { host } });
      expect([path, answer.status, answer.json.code]).toEqual([path, 421, 'host-not-allowed']);
    }
  },
);

test.each(['localhost:9', 'LOCALHOST', '127.0.0.1.', '[::1]:8085', 'events.example:443'])(
  'the Host header %s is ours',
  async (host) => {
    await using harness = await startHarness({ allowedHosts: ['Events.example'] });
    expect((await harness.send('/health', { headers: { host } })).json).toEqual({ status: 'ok' });
  },
);

test('an unknown route: 404 with a hint', async () => {
  await using harness = await startHarness();
  await expectRefused(harness, await harness.send('/v1/event', { method: 'POST' }), 404, 'not-found');
});
