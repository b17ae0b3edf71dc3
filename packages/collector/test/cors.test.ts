import { expect, test } from 'vitest';
import { event, pageOrigin, startHarness } from './harness.ts';

const body = JSON.stringify(event());

test.each([pageOrigin, 'http://localhost:5173', 'http://localhost'])(
  'a preflight from %s is answered before the key is known',
  async (origin) => {
    await using harness = await startHarness();
    const { status, headers } = await harness.send('/v1/events', {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type,sp-anonymous',
      },
    });
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      'access-control-allow-origin': origin,
      'access-control-allow-credentials': 'true',
      'access-control-allow-methods': 'POST',
      'access-control-allow-headers': 'authorization,content-type,sp-anonymous',
      vary: 'Origin, Access-Control-Request-Headers',
    });
  },
);

test.each([
  'https://evil.example',
  'http://localhost.evil.example',
  'http://localhost:80x',
  'null',
  'https://shop.example:8443',
])('a preflight from %s is refused', async (origin) => {
  await using harness = await startHarness();
  const { status, headers } = await harness.send('/v1/events', { method: 'OPTIONS', headers: { origin } });
  expect(status).toBe(403);
  expect(headers).not.toHaveProperty('access-control-allow-origin');
});

test('a page of the key’s origin sends and reads the answer', async () => {
  await using harness = await startHarness();
  const { status, headers } = await harness.post(body, {
    origin: pageOrigin,
    authorization: `Bearer ${harness.browser.key}`,
  });
  expect(status).toBe(200);
  expect(headers).toMatchObject({ 'access-control-allow-origin': pageOrigin, vary: 'Origin' });
});

test('a page may use only a key that lists its origin, whatever other keys list', async () => {
  await using harness = await startHarness();
  const other = await harness.keys.create({
    name: 'other',
    kind: 'browser',
    allowedOrigins: ['https://other.example'],
  });
  const { status, headers } = await harness.post(body, {
    origin: pageOrigin,
    authorization: `Bearer ${other.key}`,
  });
  expect(status).toBe(403);
  expect(headers).not.toHaveProperty('access-control-allow-origin');
});

test('a page can read why it was refused', async () => {
  await using harness = await startHarness();
  const unknown = await harness.post(body, { origin: pageOrigin, authorization: 'Bearer wkb_gone' });
  expect(unknown.status).toBe(401);
  expect(unknown.headers['access-control-allow-origin']).toBe(pageOrigin);
  const unparseable = await harness.post('{', {
    origin: pageOrigin,
    authorization: `Bearer ${harness.browser.key}`,
  });
  expect(unparseable.status).toBe(400);
  expect(unparseable.headers['access-control-allow-origin']).toBe(pageOrigin);
});

test('a star allows every site, but no page without one', async () => {
  await using harness = await startHarness();
  const open = await harness.keys.create({ name: 'open', kind: 'browser', allowedOrigins: ['*'] });
  const authorization = `Bearer ${open.key}`;
  const anywhere = await harness.post(body, { origin: 'https://anywhere.example', authorization });
  expect(anywhere.headers['access-control-allow-origin']).toBe('https://anywhere.example');
  expect((await harness.post(body, { origin: 'null', authorization })).status).toBe(403);
});
