import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { LogWriter } from '@clicklake/event-log';
import { createContract } from '@clicklake/contract';
import { expect, test } from 'vitest';
import { createCollector, createKeyStore } from '../src/index.ts';
import { event, startHarness, storedEvent, type Harness } from './harness.ts';

const body = JSON.stringify(event());

/** A raw connection: what clients do that no HTTP library would. */
async function open(harness: Harness): Promise<{ socket: Socket; received: Promise<string> }> {
  const socket = connect(Number(new URL(harness.url).port), '127.0.0.1');
  let text = '';
  socket.on('data', (chunk) => (text += chunk.toString()));
  // A connection that the server resets is closed as well as one that it ends.
  socket.on('error', () => undefined);
  const received = once(socket, 'close').then(() => text);
  await once(socket, 'connect');
  return { socket, received };
}

function requestHead(harness: Harness, headers: Record<string, string | number>): string {
  const lines = Object.entries({
    host: 'localhost',
    authorization: `Bearer ${harness.server.key}`,
    'content-type': 'application/json',
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `POST /v1/events HTTP/1.1\r\n${lines.join('')}\r\n`;
}

/** Puts a gate before a writer: its appends wait until the test opens it. */
function createGate(): {
  readonly before: (writer: LogWriter) => LogWriter;
  /** Resolves when an append waits. */
  readonly reached: Promise<unknown>;
  readonly open: () => void;
} {
  const gate = Promise.withResolvers<undefined>();
  const reached = Promise.withResolvers<undefined>();
  async function passed<T>(append: () => Promise<T>): Promise<T> {
    reached.resolve(undefined);
    await gate.promise;
    return append();
  }
  return {
    before: (writer) => ({
      append: (records) => passed(() => writer.append(records)),
      appendBlock(block) {
        // Its memory is the collector's again when this returns.
        const copy = {
          ...block,
          bytes: Buffer.from(block.bytes),
          places: block.places.slice(),
          kindOf: block.kindOf.slice(),
        };
        return passed(() => writer.appendBlock(copy));
      },
      lastTimestamp: () => writer.lastTimestamp(),
      applyRetention: (keepFrom) => writer.applyRetention(keepFrom),
      skipCorrupt: (topic, partition) => writer.skipCorrupt(topic, partition),
      close: () => writer.close(),
    }),
    reached: reached.promise,
    open: () => gate.resolve(undefined),
  };
}

test('a client that goes away in the middle of the body leaves nothing behind', async () => {
  await using harness = await startHarness();
  const { socket } = await open(harness);
  socket.write(requestHead(harness, { 'content-length': body.length }) + body.slice(0, 20));
  await expect.poll(() => harness.collector.snapshot().inFlightBytes).toBe(20);
  socket.destroy();
  await expect.poll(() => harness.collector.snapshot().refused).toEqual({ 'request-aborted': 1 });
  expect(harness.collector.snapshot()).toMatchObject({ inFlightBytes: 0, accepted: 0 });
  expect(await harness.stored('clickstream-events')).toEqual([]);
  expect(await harness.stored('clickstream-errors')).toEqual([]);
});

test('a client that goes away before the answer has its event stored once', async () => {
  const gate = createGate();
  await using harness = await startHarness({ wrapWriter: gate.before });
  const { socket, received } = await open(harness);
  socket.write(requestHead(harness, { 'content-length': body.length }) + body);
  await gate.reached;
  socket.destroy();
  await received;
  gate.open();
  await expect.poll(() => harness.collector.snapshot().accepted).toBe(1);
  expect(await harness.stored('clickstream-events')).toHaveLength(1);
});

test.each([
  ['not HTTP', 'SELECT 1;\r\n\r\n', '400', 'request-malformed'],
  [
    'two lengths',
    `POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n`,
    '400',
    'request-malformed',
  ],
  [
    'huge headers',
    `GET /health HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(70_000)}\r\n\r\n`,
    '431',
    'headers-too-large',
  ],
  [
    'a malformed path',
    'GET /%zz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
    '400',
    'request-malformed',
  ],
])('%s: refused as JSON', async (_name, sent, status, code) => {
  await using harness = await startHarness();
  const { socket, received } = await open(harness);
  socket.write(sent);
  const answer = await received;
  expect(answer.split('\r\n', 1)[0]).toContain(` ${status} `);
  expect(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')))).toMatchObject({ code });
  expect(harness.collector.snapshot().refused).toEqual({ [code]: 1 });
});

test.each([
  ['headers', (harness: Harness) => requestHead(harness, {}).slice(0, 40)],
  ['a body', (harness: Harness) => requestHead(harness, { 'content-length': 100 }) + '{'],
])('who sends %s too slowly is cut off', async (_name, start) => {
  await using harness = await startHarness({ limits: { headersTimeoutMs: 100, requestTimeoutMs: 200 } });
  const { socket, received } = await open(harness);
  socket.write(start(harness));
  expect(await received).toContain('HTTP/1.1 408 ');
  expect(harness.collector.snapshot().refused).toMatchObject({ 'request-timeout': 1 });
  await expect.poll(() => harness.collector.snapshot().inFlightBytes).toBe(0);
  expect(await harness.stored('clickstream-errors')).toEqual([]);
});

test('stop finishes what is in flight, refuses what comes after, and closes every connection', async () => {
  const gate = createGate();
  await using harness = await startHarness({ wrapWriter: gate.before });
  const inFlight = await open(harness);
  inFlight.socket.write(requestHead(harness, { 'content-length': body.length }) + body);
  await gate.reached;
  const idle = await open(harness);
  idle.socket.write('GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await once(idle.socket, 'data');
  // A browser opens connections before it needs them.
  const silent = await open(harness);

  const stopped = harness.collector.stop();
  // A second request on the connection in flight arrives while stopping.
  inFlight.socket.write('GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n');
  gate.open();
  await stopped;
  await Promise.all([idle.received, silent.received]);
  const answer = await inFlight.received;
  expect(answer).toContain('HTTP/1.1 200 OK');
  expect(answer).toContain('"status":"accepted"');
  expect(answer.toLowerCase()).toContain('connection: close');
  expect(await harness.stored('clickstream-events')).toHaveLength(1);
  await expect(harness.post(body)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});

test('stop cuts off who does not finish within the grace', async () => {
  await using harness = await startHarness({ limits: { stopGraceMs: 50 } });
  const { socket, received } = await open(harness);
  socket.write(requestHead(harness, { 'content-length': 100 }) + '{');
  await expect.poll(() => harness.collector.snapshot().inFlightBytes).toBe(1);
  await harness.collector.stop();
  await received;
  expect(await harness.stored('clickstream-errors')).toEqual([]);
});

test('no accepted event is lost when stop comes under load', async () => {
  await using harness = await startHarness();
  const accepted = new Set<string>();
  const senders = Array.from({ length: 8 }, async (_, sender) => {
    for (let index = 0; ; index += 1) {
      const id = `${sender}-${index}`;
      const answer = await harness
        .post(JSON.stringify(event({ event_id: id, user_id: id })))
        .catch(() => undefined);
      if (answer?.status !== 200) return;
      accepted.add(id);
    }
  });
  await expect.poll(() => accepted.size).toBeGreaterThan(100);
  await harness.collector.stop();
  await Promise.all(senders);
  const stored = (await harness.stored('clickstream-events')).map((record) => storedEvent(record).event_id);
  expect(new Set(stored)).toEqual(accepted);
  expect(stored).toHaveLength(accepted.size);
  expect(harness.collector.snapshot().accepted).toBe(accepted.size);
});

test('start and stop are idempotent; a stopped collector stays stopped', async () => {
  await using harness = await startHarness();
  expect(await harness.collector.start()).toEqual({ url: harness.url });
  await Promise.all([harness.collector.stop(), harness.collector.stop()]);
  await harness.collector.stop();
  await expect(harness.collector.start()).rejects.toMatchObject({ code: 'collector-stopped' });
});

test('a port in use, and a host beyond loopback, are errors with a way out', async () => {
  await using harness = await startHarness();
  const options = { contract: createContract(), writer: harness.writer, keys: createKeyStore([]) };
  const second = createCollector({ ...options, port: Number(new URL(harness.url).port) });
  await expect(second.start()).rejects.toMatchObject({ code: 'collector-port-in-use' });
  await second.stop();
  expect(() => createCollector({ ...options, host: '0.0.0.0' })).toThrow(
    expect.objectContaining({ code: 'collector-host-not-loopback' }),
  );
  expect(() => createCollector({ ...options, trustedProxies: ['loopback'] })).toThrow(
    expect.objectContaining({ code: 'collector-option-invalid' }),
  );
  const everywhere = createCollector({ ...options, host: '0.0.0.0', port: 0, allowNonLoopback: true });
  await everywhere.start();
  await everywhere.stop();
});
