import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  createHttpSink,
  runSimulation,
  type HttpSinkOptions,
  type SimulatedRecord,
} from '@clicklake/simulator';
import { afterEach, describe, expect, it } from 'vitest';
import { backFill } from './records.ts';

interface Received {
  readonly authorization: string | undefined;
  readonly contentType: string | undefined;
  readonly path: string | undefined;
  readonly body: string;
}

/** What the server does with a request: an answer, or a cut connection. */
type Reaction = { status: number; headers?: Record<string, string>; body?: string } | 'cut' | 'take';

const servers: Server[] = [];
const closers: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0)) await close();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

/** A collector that reacts as told, request by request, and takes everything once the list is used up. */
async function startCollector(reactions: Reaction[] = []) {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    void readBody(request).then((body) => {
      const { authorization, 'content-type': contentType } = request.headers;
      received.push({ authorization, contentType, path: request.url, body });
      const reaction = reactions.shift() ?? 'take';
      if (reaction === 'cut') {
        request.socket.destroy();
        return;
      }
      const {
        status,
        headers = {},
        body: answer = '',
      } = reaction === 'take' ? { status: 200, body: verdictsOn(body, contentType) } : reaction;
      response.writeHead(status, headers).end(answer);
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, received, server };
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

function verdictsOn(body: string, contentType: string | undefined): string {
  const texts =
    contentType === 'application/json'
      ? (JSON.parse(body) as unknown[]).map((element) => JSON.stringify(element))
      : body.trimEnd().split('\n');
  const results = texts.map((text) => {
    try {
      const { event_id: id } = JSON.parse(text) as { event_id?: unknown };
      return { event_id: id, status: 'accepted', partition: 0, offset: 0 };
    } catch {
      return { event_id: null, status: 'rejected', reason: { reason: 'malformed_json' } };
    }
  });
  return JSON.stringify({ results });
}

function connect(options: Omit<HttpSinkOptions, 'key' | 'clock'>) {
  const pauses: number[] = [];
  const sink = createHttpSink({
    ...options,
    key: 'the-key',
    clock: {
      sleep(milliseconds) {
        pauses.push(milliseconds);
        return Promise.resolve();
      },
    },
  });
  closers.push(() => sink.close());
  return { sink, pauses };
}

const never = new AbortController().signal;
const clean = backFill(250, 7, { malformedRate: 0 });
const ids = (records: readonly SimulatedRecord[]): (string | null)[] => records.map(({ eventId }) => eventId);

describe('the HTTP sink', () => {
  it('posts NDJSON with the key, in requests of batchSize, in order', async () => {
    const { url, received } = await startCollector();
    const { sink } = connect({ url });
    const outcome = await sink.send(clean, never);
    expect(outcome).toEqual({ accepted: 250, rejected: 0, surprises: [], resent: [] });
    expect(received.map(({ body }) => body.trimEnd().split('\n').length)).toEqual([100, 100, 50]);
    expect(received.map(({ body }) => body).join('')).toBe(clean.map(({ bytes }) => `${bytes}\n`).join(''));
    expect(received[0]).toMatchObject({
      authorization: 'Bearer the-key',
      contentType: 'application/x-ndjson',
      path: '/v1/events',
    });
  });

  it('posts arrays when asked, and what is no JSON as NDJSON beside them', async () => {
    const { url, received } = await startCollector();
    const { sink } = connect({ url, format: 'array', batchSize: 1000 });
    const records = backFill(1000, 7, { malformedRate: 0.3 });
    await sink.send(records, never);
    const noJson = records.filter(
      (record) => record.kind === 'malformed' && record.reason === 'malformed_json',
    );
    expect(noJson.length).toBeGreaterThan(10);
    const [array, lines] = received;
    expect(JSON.parse(array?.body ?? '')).toHaveLength(1000 - noJson.length);
    expect(lines?.body).toBe(noJson.map(({ bytes }) => `${bytes}\n`).join(''));
  });

  it('obeys 503 and Retry-After, then sends the same records again, and says so', async () => {
    const { url, received } = await startCollector([
      { status: 503, headers: { 'retry-after': '7' } },
      { status: 503 },
    ]);
    const { sink, pauses } = connect({ url, batchSize: 300 });
    const outcome = await sink.send(clean, never);
    expect(pauses).toEqual([7000, 200]);
    expect(received).toHaveLength(3);
    expect(new Set(received.map(({ body }) => body)).size).toBe(1);
    expect(ids(outcome.resent)).toEqual([...ids(clean), ...ids(clean)]);
    expect(outcome.accepted).toBe(250);
  });

  it('tells why it waits: once for each reason in a row', async () => {
    const full = {
      status: 503,
      body: '{"code":"disk-low","message":"The disk is full.","hint":"Free space."}',
    };
    const { url } = await startCollector([full, full, { status: 502, body: 'proxy' }, 'cut', 'take', full]);
    const reasons: string[] = [];
    const { sink } = connect({ url, batchSize: 125, onWait: (reason) => reasons.push(reason) });
    await sink.send(clean, never);
    expect(reasons).toEqual([
      'The disk is full. Free space.',
      'It answers 502.',
      'It does not answer.',
      'The disk is full. Free space.',
    ]);
  });

  it('does not call records resent that 429 had refused', async () => {
    const { url } = await startCollector([{ status: 429, headers: { 'retry-after': '1' } }]);
    const { sink, pauses } = connect({ url });
    const outcome = await sink.send(clean.slice(0, 10), never);
    expect(pauses).toEqual([1000]);
    expect(outcome).toMatchObject({ accepted: 10, resent: [] });
  });

  it('sends again after a lost connection, whose records may have landed', async () => {
    const { url } = await startCollector(['take', 'cut']);
    const { sink } = connect({ url });
    const outcome = await sink.send(clean, never);
    expect(outcome.accepted).toBe(250);
    expect(ids(outcome.resent)).toEqual(ids(clean.slice(100, 200)));
  });

  it('waits for a collector that is not there yet', async () => {
    const { url, server } = await startCollector();
    const { port } = new URL(url);
    await new Promise((resolve) => server.close(resolve));
    const sink = createHttpSink({
      url,
      key: 'the-key',
      clock: {
        sleep: () => new Promise((resolve) => void server.listen(Number(port), '127.0.0.1', resolve)),
      },
    });
    closers.push(() => sink.close());
    expect(await sink.send(clean.slice(0, 5), never)).toMatchObject({ accepted: 5, resent: [] });
  });

  it('reports verdicts that are not the expected ones', async () => {
    const { url } = await startCollector();
    const { sink } = connect({ url, batchSize: 1000 });
    const records = backFill(1000, 7, { malformedRate: 0.3 });
    const outcome = await sink.send(records, never);
    // This server refuses only what is no JSON.
    const malformed = records.filter((record) => record.kind === 'malformed');
    const missed = malformed.filter((record) => record.reason !== 'malformed_json');
    expect(outcome.surprises.map(({ record }) => record)).toEqual(missed);
    expect(outcome.rejected).toBe(malformed.length - missed.length);
  });

  it('takes 400 for the verdict on a single unreadable record', async () => {
    const { url } = await startCollector([{ status: 400, body: '{"code":"body-unparseable"}' }]);
    const { sink } = connect({ url });
    const unreadable = backFill(2000, 7, { malformedRate: 0.3 }).filter(
      (record) => record.kind === 'malformed' && record.reason === 'malformed_json',
    );
    const outcome = await sink.send(unreadable.slice(0, 1), never);
    expect(outcome).toEqual({ accepted: 0, rejected: 1, surprises: [], resent: [] });
  });

  it.each([400, 401, 403, 404, 413, 415])('fails at %d: sending again would not help', async (status) => {
    const { url, received } = await startCollector([{ status, body: 'because' }]);
    const { sink } = connect({ url });
    await expect(sink.send(clean, never)).rejects.toMatchObject({
      code: 'simulator-delivery-refused',
      details: { status },
    });
    expect(received).toHaveLength(1);
  });

  it.each(['', '[]', '{"results":[]}', '{"results":[{"status":"maybe"}]}'])(
    'fails at an answer without a verdict on each record: %s',
    async (body) => {
      const { url } = await startCollector([{ status: 200, body }]);
      const { sink } = connect({ url });
      await expect(sink.send(clean.slice(0, 1), never)).rejects.toMatchObject({
        code: 'simulator-answer-invalid',
      });
    },
  );

  it('gives up at the signal, though the collector never comes back', async () => {
    const { url } = await startCollector(Array.from({ length: 100 }, () => ({ status: 503 })));
    const stop = new AbortController();
    let pauses = 0;
    const sink = createHttpSink({
      url,
      key: 'the-key',
      clock: {
        sleep() {
          pauses += 1;
          if (pauses === 3) stop.abort();
          return Promise.resolve();
        },
      },
    });
    closers.push(() => sink.close());
    await expect(sink.send(clean, stop.signal)).rejects.toMatchObject({ code: 'simulator-aborted' });
  });

  it('loses nothing in a whole run against a troubled collector, over several connections', async () => {
    const trouble: Reaction[] = [
      'take',
      'cut',
      'take',
      { status: 503 },
      { status: 429 },
      'take',
      'cut',
      { status: 502 },
    ];
    const { url, received } = await startCollector(trouble);
    const { sink } = connect({ url, concurrency: 3, batchSize: 50 });
    const records = backFill(3000, 7);
    const totals = await runSimulation({ simulation: records.values(), sink, rate: 'flat-out', inFlight: 2 });
    expect(totals.sent).toBe(3000);
    const arrived = new Set(received.flatMap(({ body }) => body.trimEnd().split('\n')));
    expect(records.every((record) => arrived.has(record.bytes))).toBe(true);
  });
});
