import { request } from 'undici';
import { maxReplays, type ReplayStore } from '@clicklake/collector';
import { CliError } from '../cli-error.ts';
import { ClicklakeError } from '@clicklake/errors';
import type { Replay, ReplayOutcome } from '@clicklake/contract';

/** What the collector said instead of taking replays: its own code, message and hint. */
export class CollectorRefusal extends ClicklakeError {}

/** Bytes of one request, well below what the collector takes. */
const requestBytes = 2 * 1024 * 1024;

/**
 * Replays by way of the collector that writes the log (S8).
 *
 * @param url of the collector
 * @param key the replay key of its home
 */
export function collectorReplays(url: string, key: string): ReplayStore {
  async function ask(body: string) {
    try {
      const { statusCode, body: answered } = await request(`${url}/v1/replays`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body,
      });
      const answer = (await answered.json()) as { readonly outcomes: readonly ReplayOutcome[] };
      return { statusCode, answer };
    } catch (error) {
      throw new CliError({
        code: 'cli-collector-unreachable',
        message: `The collector does not answer at ${url}.`,
        hint: 'It may be starting or stopping: repeat the command, which replays nothing twice.',
        retryable: true,
        cause: error,
      });
    }
  }

  async function send(bodies: readonly string[]): Promise<readonly ReplayOutcome[]> {
    const { statusCode, answer } = await ask(`{"replays":[${bodies.join(',')}]}`);
    if (statusCode === 200) return answer.outcomes;
    throw new CollectorRefusal({
      ...(answer as unknown as { code: string; message: string; hint: string }),
      retryable: statusCode === 429 || statusCode === 503,
    });
  }

  return {
    async append(replays) {
      const outcomes: ReplayOutcome[] = [];
      for (const part of inParts(replays)) outcomes.push(...(await send(part)));
      return outcomes;
    },
  };
}

function inParts(replays: readonly Replay[]): string[][] {
  const parts: string[][] = [];
  let bytes = Infinity;
  for (const text of replays.map((replay) => JSON.stringify(replay))) {
    const size = Buffer.byteLength(text);
    if (bytes + size > requestBytes || (parts.at(-1)?.length ?? 0) >= maxReplays) {
      parts.push([]);
      bytes = 0;
    }
    parts.at(-1)?.push(text);
    bytes += size;
  }
  return parts;
}
