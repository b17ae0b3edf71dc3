import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createContract } from '@clicklake/contract';
import {
  openEmbeddedLog,
  topicPartitions,
  type EmbeddedLogOptions,
  type LogRecord,
  type LogWriter,
  type Topic,
} from '@clicklake/event-log';
import { expect, vi } from 'vitest';
import { Agent, request, type Dispatcher } from 'undici';
import {
  createCollector,
  createKeyStore,
  generateWriteKey,
  type Collector,
  type CollectorOptions,
  type KeyStore,
  type NewWriteKey,
  type WriteKey,
} from '../src/index.ts';

export const pageOrigin = 'https://shop.example';

export interface StoredRecord extends LogRecord {
  readonly partition: number;
}

/** A real collector on a real embedded log in a directory of its own. */
export interface Harness extends AsyncDisposable {
  readonly url: string;
  readonly collector: Collector;
  readonly keys: KeyStore;
  readonly server: WriteKey;
  readonly browser: WriteKey;
  readonly writer: LogWriter;
  /** Sends to the events route with the server key, unless the headers say otherwise. */
  post(body: string | Buffer, headers?: Record<string, string>): Promise<Answer>;
  send(path: string, options: Partial<Dispatcher.RequestOptions>): Promise<Answer>;
  stored(topic: Topic): Promise<StoredRecord[]>;
}

export interface Result {
  readonly event_id: string;
  readonly status: 'accepted' | 'rejected';
  readonly partition: number;
  readonly offset: number;
  readonly reason?: string;
  readonly field?: string | null;
  readonly message?: string;
}

/** Every member that some answer has; a test reads those of the answer that it expects. */
export interface AnswerJson {
  readonly results: readonly Result[];
  readonly code: string;
  readonly dead_letter: { readonly offset: number };
  readonly openapi: string;
  readonly paths: unknown;
}

export interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly text: string;
  readonly json: AnswerJson;
}

export interface HarnessOptions extends Partial<Omit<CollectorOptions, 'keys'>> {
  readonly log?: Partial<EmbeddedLogOptions>;
  readonly serverKey?: Partial<NewWriteKey>;
  /** Puts something between the collector and the log's writer. */
  readonly wrapWriter?: (writer: LogWriter) => LogWriter;
}

export async function startHarness(options: HarnessOptions = {}): Promise<Harness> {
  const {
    log: logOptions,
    serverKey,
    wrapWriter = (writer: LogWriter) => writer,
    ...collectorOptions
  } = options;
  const directory = await mkdtemp(join(tmpdir(), 'clicklake-collector-'));
  const log = openEmbeddedLog({ directory, ...logOptions });
  const writer = await log.openWriter();
  const server = generateWriteKey({ name: 'server', kind: 'server', sourceId: 'backend', ...serverKey });
  const browser = generateWriteKey({
    name: 'browser',
    kind: 'browser',
    sourceId: 'web',
    allowedOrigins: [pageOrigin, 'http://localhost:*'],
  });
  const keys = createKeyStore([server, browser]);
  const collector = createCollector({
    contract: createContract(),
    port: 0,
    ...collectorOptions,
    writer: wrapWriter(writer),
    keys,
  });
  const { url } = await collector.start();
  const agent = new Agent();

  async function send(path: string, sent: Partial<Dispatcher.RequestOptions>): Promise<Answer> {
    const answer = await request(`${url}${path}`, { method: 'GET', dispatcher: agent, ...sent });
    const text = await answer.body.text();
    const type = String(answer.headers['content-type'] ?? '');
    return {
      status: answer.statusCode,
      headers: answer.headers,
      text,
      json: (type.includes('json') ? JSON.parse(text) : {}) as AnswerJson,
    };
  }

  return {
    url,
    collector,
    keys,
    server,
    browser,
    writer,
    send,
    post: (body, headers = {}) =>
      send('/v1/events', {
        method: 'POST',
        body,
        headers: { authorization: `Bearer ${server.key}`, 'content-type': 'application/json', ...headers },
      }),
    async stored(topic) {
      const reader = await log.openReader();
      try {
        const found: StoredRecord[] = [];
        for (let partition = 0; partition < topicPartitions[topic]; partition += 1) {
          for (let from = 0n; ;) {
            const batches = await reader.fetch(topic, partition, from, 1 << 20);
            const last = batches.at(-1);
            if (last === undefined) break;
            for (const batch of batches)
              found.push(...batch.records().map((record) => ({ ...record, partition })));
            from = last.nextOffset;
          }
        }
        return found;
      } finally {
        await reader.close();
      }
    },
    async [Symbol.asyncDispose]() {
      await agent.destroy();
      await collector.stop();
      await writer.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** All is judged in a second thread, as soon as it is up. */
export const judgingInThread = {
  startBytesPerSecond: 0,
  windowMs: 0,
  idleMs: 600_000,
  smallBody: 0,
  pauseAfterFailureMs: 0,
};

/** Resolves when the second thread judges. Sends an event to make it start. */
export async function untilJudgingThread(harness: Harness): Promise<void> {
  await harness.post(JSON.stringify(event()));
  await vi.waitFor(() => expect(harness.collector.snapshot().judgingThread).toBe(true), 20_000);
}

// Vitest types its matchers as any.
export const anyString: unknown = expect.any(String);
export const anyNumber: unknown = expect.any(Number);

/** A valid event. */
export function event(fields: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    event_id: 'e-1',
    event_type: 'page_view',
    user_id: 'u-1',
    page_url: 'https://shop.example/',
    ...fields,
  };
}

export function text(record: LogRecord | undefined): string {
  return record === undefined ? '' : Buffer.from(record.value).toString('utf8');
}

/** The value of a record that holds an event. */
export function storedEvent(record: LogRecord | undefined): Record<string, unknown> {
  return JSON.parse(text(record)) as Record<string, unknown>;
}

export function keyText(record: LogRecord | undefined): string {
  return record?.key == null ? '' : Buffer.from(record.key).toString('utf8');
}
