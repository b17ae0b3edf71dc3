import { afterEach, describe, expect, it } from 'vitest';
import type { LiveSample } from '@clicklake/server';
import { toSample } from '../src/live/live-feed.ts';
import { startTestServer, type RunningServer } from './support/running-server.ts';

let server: RunningServer | undefined;

afterEach(async () => {
  await server?.stop();
  server = undefined;
});

/** Events of the stream, one after another. */
async function* samples(answer: Response): AsyncGenerator<LiveSample> {
  const body = answer.body;
  if (body === null) return;
  let text = '';
  for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      const data = /^event: sample\ndata: (.*)$/.exec(block)?.[1];
      if (data !== undefined) yield JSON.parse(data) as LiveSample;
    }
  }
}

describe('the live stream', () => {
  it('tells what is in the tail and in the tables', async () => {
    server = await startTestServer({ events: 10, deadLetters: 1 });
    await server.owner.start();
    const leave = new AbortController();
    const answer = await server.call('/api/live', { signal: leave.signal });
    expect(answer.headers.get('content-type')).toContain('text/event-stream');
    let last: LiveSample | undefined;
    for await (const sample of samples(answer)) {
      last = sample;
      if (sample.ledger?.silver === 10) break;
    }
    expect(last).toMatchObject({
      phase: 'running',
      problem: null,
      ledger: { appended: 11, silver: 10, dead_letters: 1, balanced: true },
    });
    leave.abort();
  });

  it('gives a new listener the samples of the last two minutes', async () => {
    server = await startTestServer({ liveIntervalMs: 10 });
    const leave = new AbortController();
    const first = samples(await server.call('/api/live', { signal: leave.signal }));
    const oldest = await first.next();
    await first.next();
    const second = samples(await server.call('/api/live', { signal: leave.signal }));
    expect(oldest.done).toBe(false);
    expect((await second.next()).value).toEqual(oldest.value);
    leave.abort();
  });

  it('ends when the server stops, so that nothing keeps it from stopping', async () => {
    const running = await startTestServer();
    const reading = (async () => {
      let count = 0;
      for await (const sample of samples(await running.call('/api/live'))) {
        count += sample.at > 0 ? 1 : 0;
        if (count === 1) void running.stop();
      }
      return count;
    })();
    expect(await reading).toBeGreaterThan(0);
  });
});

describe('rates', () => {
  const vitals = {
    version: '1',
    pid: 1,
    role: 'up',
    home: '/home',
    uptimeSeconds: 1,
    residentBytes: 1,
    collectorUrl: null,
    ingest: null,
    jobs: null,
    collector: { requests: 0, accepted: 100, rejected: 10, bytes: 0, refused: {} },
  };

  it('are differences over the time that really passed', () => {
    const first = toSample(vitals, null, 1_000, undefined);
    expect(first).toMatchObject({ acceptedPerSecond: 0, rejectedPerSecond: 0, accepted: 100 });
    const later = { ...vitals, collector: { ...vitals.collector, accepted: 400, rejected: 13 } };
    expect(toSample(later, null, 4_000, first)).toMatchObject({
      acceptedPerSecond: 100,
      rejectedPerSecond: 1,
    });
  });

  it('are never negative, whatever the clock does', () => {
    const first = toSample(vitals, null, 4_000, undefined);
    expect(toSample(vitals, null, 1_000, first)).toMatchObject({ acceptedPerSecond: 0 });
  });
});
