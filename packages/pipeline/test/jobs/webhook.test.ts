import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Run, WebhookCall } from '../../src/jobs/run.ts';
import { createWebhook, type Webhook } from '../../src/jobs/webhook.ts';

const run: Run = {
  id: 7,
  job: 'refresh',
  trigger: 'commit',
  attempt: 2,
  partial: false,
  startedAt: '2026-05-01T00:00:00.000Z',
  endedAt: '2026-05-01T00:00:01.000Z',
  outcome: 'failed',
  did: null,
  facts: {},
  error: { code: 'job-failed', message: 'no luck', hint: 'Try.' },
  retryAt: null,
  webhook: { outcome: 'pending', attempts: 0, error: null },
};

let servers: Server[] = [];
afterEach(() => {
  for (const server of servers) server.closeAllConnections();
  for (const server of servers) server.close();
  servers = [];
});

interface Got {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly type: string | undefined;
  readonly body: string;
}

async function listen(
  answer: (response: ServerResponse, request: IncomingMessage, count: number) => void,
): Promise<{ url: string; got: Got[] }> {
  const got: Got[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method, url, headers } = request;
      got.push({ method, url, type: headers['content-type'], body: Buffer.concat(chunks).toString() });
      answer(response, request, got.length);
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?key=s3cret`, got };
}

function webhookTo(url: string, timeoutMs = 5_000): Webhook {
  return createWebhook({ url, home: '/lake', timeoutMs, pausesMs: [1, 1] });
}

function outcomeOf(webhook: Webhook): Promise<WebhookCall> {
  return new Promise((resolve) => webhook.tell(run, resolve));
}

describe('the webhook of failed runs (S7.4)', () => {
  it('posts what happened as JSON', async () => {
    const { url, got } = await listen((response) => response.writeHead(204).end());
    const webhook = webhookTo(url);
    expect(await outcomeOf(webhook)).toEqual({ outcome: 'delivered', attempts: 1, error: null });
    expect(got).toHaveLength(1);
    expect(got[0]).toMatchObject({ method: 'POST', url: '/hook?key=s3cret', type: 'application/json' });
    expect(JSON.parse(got[0]?.body ?? '')).toMatchObject({
      event: 'job-failed',
      home: '/lake',
      run: 7,
      job: 'refresh',
      attempt: 2,
      error: { code: 'job-failed', message: 'no luck' },
    });
    await webhook.close();
  });

  it('is tried again when the other side fails, and given up after a few times', async () => {
    const { url, got } = await listen((response, _, count) =>
      response.writeHead(count < 3 ? 503 : 200).end(),
    );
    const webhook = webhookTo(url);
    expect(await outcomeOf(webhook)).toMatchObject({ outcome: 'delivered', attempts: 3 });
    const down = await listen((response) => response.writeHead(500).end());
    const other = webhookTo(down.url);
    expect(await outcomeOf(other)).toEqual({ outcome: 'failed', attempts: 3, error: 'It answered 500.' });
    expect([got.length, down.got.length]).toEqual([3, 3]);
    await webhook.close();
    await other.close();
  });

  it('follows no redirect, and repeats no refusal', async () => {
    const elsewhere = await listen((response) => response.writeHead(200).end());
    const { url, got } = await listen((response) =>
      response.writeHead(307, { location: elsewhere.url }).end(),
    );
    const webhook = webhookTo(url);
    expect(await outcomeOf(webhook)).toEqual({ outcome: 'failed', attempts: 1, error: 'It answered 307.' });
    expect([got.length, elsewhere.got.length]).toEqual([1, 0]);
    await webhook.close();
  });

  it('gives up on an address that does not answer, and never tells the address', async () => {
    const { url } = await listen(() => undefined);
    const silent = webhookTo(url, 20);
    const waited = await outcomeOf(silent);
    expect(waited).toMatchObject({ outcome: 'failed', attempts: 3 });
    const [server] = servers;
    await new Promise((resolve) => {
      server?.closeAllConnections();
      server?.close(resolve);
    });
    const gone = webhookTo(url);
    const refused = await outcomeOf(gone);
    expect(refused).toEqual({ outcome: 'failed', attempts: 3, error: 'ECONNREFUSED' });
    expect(JSON.stringify([waited, refused])).not.toContain('s3cret');
    await silent.close();
    await gone.close();
  });

  it('is closed after what waits was tried once: a command that fails ends at once', async () => {
    const { url, got } = await listen((response) => response.writeHead(503).end());
    const webhook = webhookTo(url);
    const [first, second] = [outcomeOf(webhook), outcomeOf(webhook)];
    await webhook.close();
    expect([await first, await second]).toMatchObject([{ attempts: 1 }, { attempts: 1 }]);
    expect(got).toHaveLength(2);
    expect(await outcomeOf(webhook)).toMatchObject({ outcome: 'failed', attempts: 0 });
  });

  it('keeps no more than a few calls waiting, and gives up all of them when it is closed', async () => {
    const { url, got } = await listen(() => undefined);
    const webhook = webhookTo(url, 600_000);
    const outcomes = Array.from({ length: 30 }, () => outcomeOf(webhook));
    await expect.poll(() => got.length).toBe(1);
    await webhook.close();
    const ended = await Promise.all(outcomes);
    expect(ended.map(({ outcome }) => outcome)).toEqual(ended.map(() => 'failed'));
    expect(ended.filter(({ error }) => error?.includes('wait before it') === true)).toHaveLength(10);
    expect(got).toHaveLength(1);
  });
});
