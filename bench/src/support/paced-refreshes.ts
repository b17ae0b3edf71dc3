import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { LakePaths } from '@clicklake/pipeline';
import { Pool } from 'undici';
import type { RunningProduct } from './product.ts';

const pollMs = 50;
const leastMs = 5000;

/**
 * Asks for a refresh whenever Silver has moved, paced as S7.4 says: the next starts max(5 s, 4 × the last one's
 * duration) after the last began.
 */
export function paceRefreshes(
  product: RunningProduct,
  paths: LakePaths,
): {
  /** Ends after the refresh under way; durations in milliseconds. */ stop(): Promise<readonly number[]>;
} {
  // A refresh of a large date takes longer than undici waits by default.
  const client = new Pool(product.url, { connections: 1, headersTimeout: 0, bodyTimeout: 0 });
  const durations: number[] = [];
  let stopping = false;
  let seen = '';

  async function refresh(): Promise<void> {
    const startedAt = performance.now();
    const { statusCode, body } = await client.request({
      method: 'POST',
      path: '/api/refresh',
      headers: { authorization: `Bearer ${product.token}`, 'content-type': 'application/json' },
      body: '{}',
    });
    const text = await body.text();
    if (statusCode !== 200) throw new Error(`The refresh failed: ${text}`);
    durations.push(performance.now() - startedAt);
    if (process.env.BENCH_VERBOSE !== undefined) console.error(text);
  }

  const running = (async () => {
    while (!stopping) {
      const newest = await newestEntry(paths);
      if (newest === seen) {
        await sleep(pollMs);
        continue;
      }
      seen = newest;
      const startedAt = performance.now();
      await refresh();
      const next = startedAt + Math.max(leastMs, 4 * (durations.at(-1) ?? 0));
      while (!stopping && performance.now() < next) await sleep(pollMs);
    }
  })();

  return {
    async stop() {
      stopping = true;
      await running;
      await client.close();
      return durations;
    },
  };
}

async function newestEntry(paths: LakePaths): Promise<string> {
  const names = await readdir(join(paths.tables.silver, '_delta_log'));
  return (
    names
      .filter((name) => name.endsWith('.json'))
      .sort()
      .at(-1) ?? ''
  );
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
