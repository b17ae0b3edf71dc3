import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createContract } from '@clicklake/contract';
import { openEmbeddedLog } from '@clicklake/event-log';
import { fastify } from 'fastify';
import { createCollector, createKeyStore, type WriteKey } from '../src/index.ts';

/**
 * The process under load: `node server.ts collector|bare`. Sends its parent the URL; then answers `cpu` with the
 * CPU time it has used, in microseconds, and ends at `stop`. Each side keeps its files in a directory of its own, on the same disk.
 */

export const benchKey: WriteKey = {
  key: 'wks_bench_bench_bench',
  sourceId: 'bench',
  name: 'bench',
  kind: 'server',
  allowedOrigins: [],
  rateLimitDeadLettersPerMinute: 1,
};

const directory = await mkdtemp(join(process.env.BENCH_DIRECTORY ?? tmpdir(), 'clicklake-bench-'));
const side = process.argv[2] === 'bare' ? await startBare(directory) : await startOurs(directory);
process.send?.(side.url);
process.on('message', (message) => {
  if (message === 'stop') void stop();
  else {
    const { user, system } = process.cpuUsage();
    process.send?.(user + system);
  }
});

async function stop(): Promise<void> {
  await side.stop();
  await rm(directory, { recursive: true, force: true });
  process.disconnect();
}

interface Side {
  readonly url: string;
  stop(): Promise<void>;
}

async function startOurs(home: string): Promise<Side> {
  const writer = await openEmbeddedLog({ directory: home, minFreeBytes: 0 }).openWriter();
  const keys = createKeyStore([benchKey]);
  const collector = createCollector({ contract: createContract(), writer, keys, port: 0 });
  const { url } = await collector.start();
  return {
    url,
    async stop() {
      await collector.stop();
      await writer.close();
    },
  };
}

/** S10's baseline: a Fastify route that parses the bodies, and fsyncs them in groups. */
async function startBare(home: string): Promise<Side> {
  const file = await open(join(home, 'bodies'), 'w');
  let waiting: { body: Buffer; durable: () => void }[] = [];
  let syncing = false;
  let position = 0;
  async function sync(): Promise<void> {
    syncing = true;
    while (waiting.length > 0) {
      const group = waiting;
      waiting = [];
      const { bytesWritten } = await file.writev(
        group.map(({ body }) => body),
        position,
      );
      position += bytesWritten;
      await file.datasync();
      for (const { durable } of group) durable();
    }
    syncing = false;
  }
  const app = fastify();
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app.post('/v1/events', async (request) => {
    const body = request.body as Buffer;
    const events = JSON.parse(body.toString()) as unknown[];
    await new Promise<void>((durable) => {
      waiting.push({ body, durable });
      if (!syncing) void sync();
    });
    return { accepted: events.length };
  });
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  return {
    url,
    async stop() {
      await app.close();
      await file.close();
    },
  };
}
