import { gzipSync } from 'node:zlib';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { expect, test } from 'vitest';
import { event, pageOrigin, startHarness, type Answer, type Harness } from './harness.ts';

interface Operation {
  readonly requestBody?: { readonly content: Record<string, { schema: object }> };
  readonly responses: Record<string, { readonly content?: Record<string, { schema: object }> }>;
}
type Paths = Record<string, Record<string, Operation>>;

/** Holds real answers to the document that the server itself gives out. */
async function openDocument(harness: Harness): Promise<{
  paths: Paths;
  hold: (method: string, path: string, answer: Answer) => void;
  accepts: (mediaType: string, body: unknown) => boolean;
}> {
  const { json } = await harness.send('/openapi.json', {});
  expect(json.openapi).toBe('3.1.0');
  const paths = json.paths as Paths;
  const ajv = new Ajv2020({ strict: false });
  addFormats.default(ajv);
  return {
    paths,
    hold(method, path, answer) {
      const response = paths[path]?.[method]?.responses[answer.status];
      expect(response, `${method} ${path} → ${answer.status} is documented`).toBeDefined();
      if (response?.content === undefined) {
        expect(answer.text).toBe('');
        return;
      }
      const type = String(answer.headers['content-type']).split(';', 1)[0] ?? '';
      const schema = response.content[type]?.schema;
      expect(schema, `${method} ${path} → ${answer.status} is documented as ${type}`).toBeDefined();
      ajv.validate(schema ?? false, answer.json);
      expect(ajv.errors, `${method} ${path} → ${answer.status}: ${answer.text}`).toBeNull();
    },
    accepts: (mediaType, body) =>
      ajv.validate(paths['/v1/events']?.post?.requestBody?.content[mediaType]?.schema ?? false, body),
  };
}

test('every answer of every route is as the document says', async () => {
  let pressure = { lagRecords: 0, diskFreeBytes: 1e12 };
  await using harness = await startHarness({
    limits: { maxEventsPerRequest: 3 },
    pressure: () => pressure,
    serverKey: { rateLimitDeadLettersPerMinute: 4 },
  });
  const { hold, paths } = await openDocument(harness);
  const good = JSON.stringify(event());
  const seen = new Set<string>();
  const check = (method: string, path: string, answer: Answer, status: number): void => {
    expect(answer.status).toBe(status);
    hold(method, path, answer);
    seen.add(`${method} ${path} ${answer.status}`);
  };
  const evil = { host: 'evil.example' };
  check('get', '/health', await harness.send('/health', {}), 200);
  check('get', '/health', await harness.send('/health', { headers: evil }), 421);
  check('get', '/openapi.json', await harness.send('/openapi.json', {}), 200);
  check('get', '/openapi.json', await harness.send('/openapi.json', { headers: evil }), 421);
  const preflight = (headers: Record<string, string>): Promise<Answer> =>
    harness.send('/v1/events', { method: 'OPTIONS', headers });
  check('options', '/v1/events', await preflight({ origin: pageOrigin }), 200);
  check('options', '/v1/events', await preflight({ origin: 'https://evil.example' }), 403);
  check('options', '/v1/events', await preflight(evil), 421);

  const posted = async (
    body: string | Buffer,
    headers: Record<string, string>,
    status: number,
  ): Promise<void> => check('post', '/v1/events', await harness.post(body, headers), status);
  await posted(good, {}, 200);
  await posted(`[${good}, {"event_type":"page_view","user_id":7}, null]`, {}, 200);
  await posted(`${good}\nnot json`, { 'content-type': 'application/x-ndjson' }, 200);
  await posted(gzipSync(good), { 'content-encoding': 'gzip', 'content-type': 'text/plain' }, 200);
  await posted('{', {}, 400);
  await posted(good, { authorization: 'Bearer nobody' }, 401);
  await posted(good, { authorization: `Bearer ${harness.browser.key}` }, 403);
  await posted('[1,2,3,4]', {}, 413);
  await posted(good, { 'content-type': 'text/csv' }, 415);
  await posted(good, evil, 421);
  await posted('{', {}, 429);
  pressure = { lagRecords: 1e9, diskFreeBytes: 1e12 };
  await posted(good, {}, 429);
  pressure = { lagRecords: 0, diskFreeBytes: 0 };
  await posted(good, {}, 503);

  // Nothing stands in the document that was not seen, but what only a defect or a shutdown answers.
  const documented = Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).flatMap(([method, { responses }]) =>
      Object.keys(responses).map((status) => `${method} ${path} ${status}`),
    ),
  );
  const unseen = documented.filter((answer) => !seen.has(answer));
  expect(unseen.filter((answer) => !/ (500|503)$/.test(answer))).toEqual([]);
});

test('the document takes what the collector accepts, and refuses a wrong type', async () => {
  await using harness = await startHarness();
  const { accepts } = await openDocument(harness);
  for (const body of [event(), [event(), event({ event_id: undefined, color: 'red' })]]) {
    const sent = JSON.parse(JSON.stringify(body)) as unknown;
    const { json } = await harness.post(JSON.stringify(sent));
    expect(json.results.every((result) => result.status === 'accepted')).toBe(true);
    expect(accepts('application/json', sent)).toBe(true);
  }
  expect(accepts('application/json', event({ user_id: 7 }))).toBe(false);
  expect(accepts('application/json', [event(), { event_type: 'page_view' }])).toBe(false);
});
