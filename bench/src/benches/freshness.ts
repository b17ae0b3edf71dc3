import { fork } from 'node:child_process';
import { join } from 'node:path';
import { Pool } from 'undici';
import { quantile, rounded, type Benchmark } from '../benchmark.ts';
import { startProduct, type RunningProduct } from '../support/product.ts';
import { watchResident } from '../support/resident.ts';

const bar = 700;
const residentBarMb = 500;
const rate = 1000;
const pollMs = 20;

/** An acknowledged batch's last offset in one partition, and when the ack arrived. */
type Acked = readonly [partition: number, offset: number, ackedAt: number];

export const freshnessBenchmark: Benchmark = {
  name: 'freshness',
  description: `acked → visible through POST /api/sql at ${rate} events/s (bar: p99 ≤ ${bar} ms)`,
  async run({ short, say }) {
    const seconds = short ? 30 : 600;
    const product = await startProduct(['--no-simulator']);
    const resident = watchResident(product.pid, 1000);
    const waiting: Acked[] = [];
    const delays: number[] = [];
    const load = fork(
      join(import.meta.dirname, '../support/load-process.ts'),
      [product.collectorUrl, product.serverKey, String(rate), String(seconds)],
      { execArgv: ['--conditions=source'] },
    );
    load.on('message', (acked) => waiting.push(...(acked as Acked[])));
    say(`${rate} events/s for ${seconds} s`);
    const queries: number[] = [];
    const client = new Pool(product.url, { connections: 1 });
    const giveUpAt = performance.now() + (seconds + 60) * 1000;
    while ((load.exitCode === null || waiting.length > 0) && performance.now() < giveUpAt) {
      const askedAt = performance.now();
      const visible = await visibleOffsets(client, product);
      const seenAt = performance.timeOrigin + performance.now();
      queries.push(performance.now() - askedAt);
      for (let index = waiting.length - 1; index >= 0; index -= 1) {
        const [partition, offset, ackedAt] = waiting[index] ?? [0, 0, 0];
        if ((visible.get(partition) ?? -1) < offset) continue;
        delays.push(Math.max(0, seenAt - ackedAt));
        waiting.splice(index, 1);
      }
      const rest = pollMs - (performance.now() - askedAt);
      if (rest > 0) await new Promise((resolve) => setTimeout(resolve, rest));
    }
    resident.stop();
    await client.close();
    const ledger = JSON.parse(await product.command(['ledger', '--json'])) as {
      balanced: boolean;
      appended: number;
    };
    await product.stop();
    const value = rounded(quantile(delays, 0.99), 0);
    const residentPeakMb = rounded(quantile(resident.samples, 1), 0);
    return {
      name: 'freshness',
      value,
      bar,
      pass: value <= bar && residentPeakMb <= residentBarMb && waiting.length === 0 && ledger.balanced,
      detail: {
        unit: 'ms, p99',
        rate,
        seconds,
        batches: delays.length,
        p50: rounded(quantile(delays, 0.5), 0),
        p90: rounded(quantile(delays, 0.9), 0),
        max: rounded(quantile(delays, 1), 0),
        neverSeen: waiting.length,
        queries: queries.length,
        queryP50: rounded(quantile(queries, 0.5), 1),
        queryP99: rounded(quantile(queries, 0.99), 1),
        residentPeakMb,
        residentBarMb,
        ledger,
      },
    };
  },
};

/** The newest offset of each partition that a query sees; only the last minute's files need to be read. */
async function visibleOffsets(client: Pool, product: RunningProduct): Promise<ReadonlyMap<number, number>> {
  const sql = `SELECT log_partition, max(log_offset) FROM silver
    WHERE received_at > now() - INTERVAL 1 MINUTE GROUP BY 1`;
  const { statusCode, body } = await client.request({
    method: 'POST',
    path: '/api/sql',
    headers: { authorization: `Bearer ${product.token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ sql }),
  });
  const answer = (await body.json()) as { rows?: [number, number][] };
  if (statusCode !== 200 || answer.rows === undefined)
    throw new Error(`SQL failed: ${JSON.stringify(answer)}`);
  return new Map(answer.rows);
}
