/**
 * The load generator, in a process of its own so that it takes no time from the poller:
 * `load-process.ts <url> <key> <events per second> <seconds>` sends believable events at a steady rate and
 * reports each acknowledged batch to its parent as [partition, last offset, time of the ack].
 * With `<start> <events>` (milliseconds since the epoch) its events are those that follow upon so many since then,
 * whatever the time is now.
 */
import { createSimulation } from '@clicklake/simulator';
import { Pool } from 'undici';

const [url = '', key = '', rateText = '1000', secondsText = '60', start, passedOver = '0'] =
  process.argv.slice(2);
const rate = Number(rateText);
const batchMs = 20;
const perBatch = Math.max(1, Math.round((rate * batchMs) / 1000));
const batches = Math.ceil((Number(secondsText) * rate) / perBatch);

const simulation = createSimulation({
  seed: 'load',
  time:
    start === undefined
      ? { mode: 'live', startAt: Date.now(), eventsPerSecond: rate, now: Date.now }
      : { mode: 'live', startAt: Number(start), eventsPerSecond: rate },
  duplicateRate: 0,
  malformedRate: 0,
});
for (let event = 0; event < Number(passedOver); event += 1) simulation.next();
const pool = new Pool(url, { connections: 4 });

async function send(): Promise<void> {
  const lines: string[] = [];
  for (let index = 0; index < perBatch; index += 1) {
    const next = simulation.next();
    if (next.done !== true) lines.push(next.value.bytes);
  }
  const answer = await post(lines.join('\n'));
  const ackedAt = performance.timeOrigin + performance.now();
  const last = new Map<number, number>();
  for (const { partition, offset, status } of answer.results) {
    if (status === 'accepted') last.set(partition, Math.max(offset, last.get(partition) ?? 0));
  }
  process.send?.([...last].map(([partition, offset]) => [partition, offset, ackedAt]));
}

interface Answer {
  readonly results: readonly {
    readonly partition: number;
    readonly offset: number;
    readonly status: string;
  }[];
}

/** As a good client: what the collector puts off for its own protection comes again, with the same ids. */
async function post(lines: string): Promise<Answer> {
  for (;;) {
    const { statusCode, headers, body } = await pool.request({
      method: 'POST',
      path: '/v1/events',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/x-ndjson' },
      body: lines,
    });
    if (statusCode === 200) return (await body.json()) as Answer;
    await body.dump();
    if (statusCode !== 429 && statusCode !== 503) throw new Error(`The collector answered ${statusCode}.`);
    await new Promise((resolve) => setTimeout(resolve, 1000 * Number(headers['retry-after'] ?? 1)));
  }
}

const startedAt = performance.now();
const under: Promise<void>[] = [];
for (let batch = 0; batch < batches; batch += 1) {
  const wait = startedAt + batch * batchMs - performance.now();
  if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
  under.push(send());
}
await Promise.all(under);
await pool.close();
process.disconnect();
