import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createContract, type PrepareContext } from '@clicklake/contract';
import { localStore } from '@clicklake/delta-lake';
import { nodeFileSystem, noCrashPoints } from '@clicklake/durable-files';
import { openEmbeddedLog, type LogWriter, type NewRecord } from '@clicklake/event-log';
import {
  defaultIngestSettings,
  defaultMaintenanceSettings,
  noJobsByThemselves,
  lakePaths,
  openLakeOwner,
  type LakeOwner,
} from '@clicklake/pipeline';
import { openQueryEngine } from '@clicklake/query';
import {
  createCredentials,
  createLiveFeed,
  createLocalAdmin,
  createServer,
  vitalsOf,
  type LocalParts,
} from '@clicklake/server';

export const token = 'the-token-of-the-tests';

/** A server over a real lake in a directory of its own. */
export interface RunningServer {
  readonly url: string;
  readonly owner: LakeOwner;
  readonly writer: LogWriter;
  /** Starts with the token. */
  call(path: string, options?: CallOptions): Promise<Response>;
  setReady(ready: boolean): void;
  /** The clock that logins and links go by. */
  advance(ms: number): void;
  /** Logs in by a link; resolves with the cookie. */
  logIn(): Promise<string>;
  stop(): Promise<void>;
}

export interface CallOptions {
  readonly method?: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as it is. */
  readonly rawBody?: string;
  readonly headers?: Record<string, string>;
  readonly signal?: AbortSignal;
}

export interface TestServerOptions {
  /** Valid events and records that are none, in the log and committed before the server starts. */
  readonly events?: number;
  readonly deadLetters?: number;
  readonly backFill?: LocalParts['backFill'];
  readonly replays?: LocalParts['replays'];
  readonly liveIntervalMs?: number;
}

export async function startTestServer(options: TestServerOptions = {}): Promise<RunningServer> {
  const home = await mkdtemp(join(tmpdir(), 'clicklake-server-'));
  const paths = lakePaths(home);
  const contract = createContract();
  const log = openEmbeddedLog({ directory: paths.log });
  const writer = await log.openWriter();
  const records = [
    ...Array.from({ length: options.events ?? 0 }, (_, index) => eventRecord(index)),
    ...Array.from({ length: options.deadLetters ?? 0 }, (_, index) => deadLetterRecord(index)),
  ];
  await writer.append(records);
  const engine = await openQueryEngine({ readableDirectories: [paths.lake], maxConcurrent: 1 });
  const { owner } = await openLakeOwner({
    paths,
    files: nodeFileSystem,
    openStore: localStore,
    crashPoints: noCrashPoints,
    log,
    contract,
    settings: { ...defaultIngestSettings, commitIntervalMs: 200, tickIntervalMs: 20 },
    maintenance: defaultMaintenanceSettings,
    jobs: noJobsByThemselves,
    queryEngine: engine,
    clock: Date.now,
    role: 'test',
    memoryLimitMb: 128,
  });
  await owner.catchUp(() => undefined);

  let shift = 0;
  let ready = true;
  const now = (): number => Date.now() + shift;
  const parts: LocalParts = {
    lake: owner,
    owner,
    jobs: null,
    engine,
    logWriter: writer,
    backFill: options.backFill ?? null,
    replays: options.replays ?? null,
    collector: null,
    process: { version: '1.2.3', role: 'test', home, collectorUrl: null, startedAt: now(), now },
  };
  const admin = createLocalAdmin(parts);
  const live = createLiveFeed({
    vitals: () => vitalsOf(parts),
    ledger: (given) => admin.ledger(given),
    now,
    intervalMs: options.liveIntervalMs ?? 20,
  });
  const server = createServer({
    port: 0,
    admin,
    credentials: createCredentials(token, now),
    live,
    version: '1.2.3',
    isReady: () => ready,
  });
  const { url } = await server.start();

  const call: RunningServer['call'] = (path, { method = 'GET', body, rawBody, headers = {}, signal } = {}) =>
    fetch(`${url}${path}`, {
      method,
      redirect: 'manual',
      headers: {
        authorization: `Bearer ${token}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      ...(rawBody !== undefined && { body: rawBody }),
      ...(signal !== undefined && { signal }),
    });

  return {
    url,
    owner,
    writer,
    call,
    setReady: (value) => void (ready = value),
    advance: (ms) => void (shift += ms),
    async logIn() {
      const { path } = (await (await call('/api/login-links', { method: 'POST', body: {} })).json()) as {
        path: string;
      };
      const answer = await fetch(`${url}${path}`);
      return answer.headers.get('set-cookie')?.split(';')[0] ?? '';
    },
    async stop() {
      live.close();
      await server.stop();
      await owner.close();
      await engine.close();
      await writer.close();
      await rm(home, { recursive: true, force: true });
    },
  };

  function eventRecord(index: number): NewRecord {
    const event = {
      event_type: 'page_view',
      event_id: `e${index}`,
      user_id: `u${index % 7}`,
      page_url: 'https://shop.example/',
    };
    const judged = contract.prepare(event, context);
    if (!judged.ok) throw new Error(judged.message);
    const { key, value } = judged;
    return {
      topic: 'clickstream-events',
      key,
      value,
      timestamp: context.receivedAt,
      judgedBy: contract.fingerprint,
    };
  }
}

const context: PrepareContext = {
  receivedAt: Date.now(),
  sourceId: 'test',
  clientIp: null,
  trustBodyIp: true,
  truncateIp: false,
  userAgent: null,
  enrich: () => ({ deviceType: null, browser: null, os: null, isBot: false }),
  newEventId: () => 'never needed',
};

function deadLetterRecord(index: number): NewRecord {
  const key = {
    reason: 'malformed_json',
    field: null,
    message: 'It is no JSON.',
    event_id: null,
    source_id: 'test',
  };
  return {
    topic: 'clickstream-errors',
    key: JSON.stringify(key),
    value: `<script>alert(${index})</script>`,
    timestamp: context.receivedAt,
    judgedBy: null,
  };
}
