import { expect, test } from 'vitest';
import { event, pageOrigin, startHarness, storedEvent, text, type Harness } from './harness.ts';

async function storedAddress(
  harness: Harness,
  headers: Record<string, string>,
  body = event(),
): Promise<unknown> {
  const before = (await harness.stored('clickstream-events')).length;
  const answer = await harness.post(JSON.stringify(body), headers);
  expect(answer.json.results[0]?.status).toBe('accepted');
  const records = (await harness.stored('clickstream-events')).map((record) => storedEvent(record));
  expect(records).toHaveLength(before + 1);
  return records.find(({ event_id }) => event_id === body.event_id)?.ip_address;
}

test('X-Forwarded-For counts only from configured proxies (S1.4)', async () => {
  await using open = await startHarness();
  expect(await storedAddress(open, { 'x-forwarded-for': '203.0.113.9' })).toBe('127.0.0.1');
  await using behindProxy = await startHarness({ trustedProxies: ['127.0.0.0/8'] });
  expect(await storedAddress(behindProxy, { 'x-forwarded-for': '203.0.113.9' })).toBe('203.0.113.9');
  const noise = event({ event_id: 'noise' });
  expect(await storedAddress(behindProxy, { 'x-forwarded-for': '<script>' }, noise)).toBeUndefined();
});

test('ip_address in the body counts only with a server key (S1.4)', async () => {
  await using harness = await startHarness();
  const claiming = event({ ip_address: '203.0.113.9' });
  expect(await storedAddress(harness, {}, claiming)).toBe('203.0.113.9');
  const fromBrowser = { authorization: `Bearer ${harness.browser.key}`, origin: pageOrigin };
  const other = event({ event_id: 'e-2', ip_address: '203.0.113.9' });
  expect(await storedAddress(harness, fromBrowser, other)).toBe('127.0.0.1');
});

test('truncation happens before the append, in events and in raw bytes of dead letters (S1.4)', async () => {
  await using harness = await startHarness({ truncateIp: true });
  await harness.post(JSON.stringify([event({ ip_address: '203.0.113.9' }), { ip_address: '203.0.113.9' }]));
  await harness.post('not json, but from 2001:db8:1:2:3::4, and "198\\u002e51.100.7".');
  await harness.post(Buffer.from('203.0.113.9'), { 'content-encoding': 'gzip' });
  const [accepted] = await harness.stored('clickstream-events');
  expect(storedEvent(accepted).ip_address).toBe('203.0.113.0');
  expect((await harness.stored('clickstream-errors')).map(text)).toEqual([
    '{"ip_address":"203.0.113.0"}',
    'not json, but from 2001:db8:1::, and "198.51.100.0".',
    // Undecodable bytes may hide an address.
    '',
  ]);
});
