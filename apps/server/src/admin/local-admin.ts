import { isClicklakeError } from '@clicklake/errors';
import { topicPartitions, type LogWriter, type Topic } from '@clicklake/event-log';
import {
  replayDeadLetters,
  type JobsOnRecord,
  type LakeOwner,
  type LakeReader,
  type ReplayAppender,
} from '@clicklake/pipeline';
import type { Pin, QueryEngine, QueryResult } from '@clicklake/query';
import { ApiError } from '../api-error.ts';
import type {
  BackFillOptions,
  BackFillRequest,
  BackFillResult,
  CollectorCounters,
  ExportOptions,
  LakeAdmin,
  SqlOptions,
  Vitals,
} from './lake-admin.ts';

/** The parts of the system that run in this process. */
export interface LocalParts {
  readonly lake: LakeReader;
  /** The same lake when this process holds its lease (S3.4). */
  readonly owner: LakeOwner | null;
  /** What is on record of the jobs, where this process runs none of them. */
  readonly jobs: JobsOnRecord | null;
  readonly engine: Pick<QueryEngine, 'run'>;
  readonly logWriter: Pick<LogWriter, 'skipCorrupt'> | null;
  readonly backFill: ((request: BackFillRequest, options: BackFillOptions) => Promise<BackFillResult>) | null;
  /** Opens the way of replays into the log; null when this process has none. */
  readonly replays: (() => Promise<ReplayAppender>) | null;
  readonly collector: (() => CollectorCounters) | null;
  readonly process: ProcessFacts;
}

export interface ProcessFacts {
  readonly version: string;
  readonly role: string;
  readonly home: string;
  readonly collectorUrl: string | null;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly now: () => number;
}

/** Carries everything out in this process. @throws ApiError `not-here` for what a part is missing. */
export function createLocalAdmin(parts: LocalParts): LakeAdmin {
  const { lake, engine } = parts;

  function requireOwner(): LakeOwner {
    return (
      parts.owner ?? notHere('own the lake', 'Run the command again: it takes the lake when nobody owns it.')
    );
  }

  function requireRecord(): JobsOnRecord {
    return parts.jobs ?? notHere('know the jobs of the lake', 'Ask the process that owns the lake.');
  }

  return {
    async sql(statement, options) {
      const result = await runPinned(engine, lake, statement, options);
      const { silverVersion, tailEpoch } = result.pinned;
      return { ...result, pinned: { silverVersion: Number(silverVersion), tailEpoch } };
    },
    ledger: (options) => lake.ledger(options),
    tables: () => lake.tables(),
    history: (table, limit) => lake.history(table, limit),
    topics: () => lake.topics(),
    deadLetters: (filter) => lake.deadLetters(filter),
    deadLetterGroups: (filter) => lake.deadLetterGroups(filter),
    deadLetter: (topic, partition, offset) => lake.deadLetter(topic, partition, offset),
    exportDeadLetters: (filter, options) => exportDeadLetters(lake, filter, options),
    async replayDeadLetters(request, options) {
      const open = parts.replays ?? notHere('replay dead letters', 'Use `clicklake dead-letters replay`.');
      await using opened = new AsyncDisposableStack();
      const appender = opened.adopt(await open(), (own) => own.close());
      return await replayDeadLetters({ lake, appender }, request, options);
    },
    trace: (eventId) => lake.trace(eventId),

    overview: async () => ({ ...vitalsOf(parts), lag: await lake.uncommitted() }),

    optimize: async (table, options) => requireOwner().optimize(table, options),
    vacuum: async (table, options) => requireOwner().vacuum(table, options),
    restore: async (table, options) => requireOwner().restore(table, options),
    planRefresh: async (request) => requireOwner().planRefresh(request),
    test: async (request, { onProgress }) => requireOwner().test(request, onProgress),
    failingTests: () => lake.failingTests(),
    refresh: async (request) => requireOwner().refresh(request),
    jobs: async () => parts.owner?.jobs() ?? (await requireRecord().jobs()),
    runs: async (filter) => parts.owner?.runs(filter) ?? (await requireRecord().runs(filter)),
    runJob: async (name) => requireOwner().runJob(name),

    async skipCorrupt(topic, partition) {
      const known = parseTopic(topic, partition);
      const writer =
        parts.logWriter ??
        notHere('write the event log', 'Stop the process that collects, and run the command again.');
      const ranges = await writer.skipCorrupt(known, partition);
      return ranges.map(({ from, to }) => ({ from: Number(from), to: Number(to) }));
    },

    async backFill(request, options) {
      const backFill =
        parts.backFill ?? notHere('write the event log', 'Send the events to the collector that does.');
      return backFill(request, options);
    },
  };
}

/** Rows at a time: their bytes are in memory together. */
const exportedRows = 200;
const exportedBytes = 16 * 1024 * 1024;

async function exportDeadLetters(
  lake: LakeReader,
  filter: Parameters<LakeAdmin['exportDeadLetters']>[0],
  { onRow, signal }: ExportOptions,
): Promise<void> {
  const { limit, ...meant } = filter;
  await using selection = await lake.selectDeadLetters({ filter: meant, limit });
  for await (const batch of selection.batches(exportedRows, exportedBytes)) {
    signal?.throwIfAborted();
    for (const { row } of batch) if (row !== null) await onRow(row);
  }
}

/** The engine takes any failure for one of the statement: the lake's own says more. */
async function runPinned(
  engine: LocalParts['engine'],
  lake: LakeReader,
  statement: string,
  options: SqlOptions,
): Promise<QueryResult> {
  const failures: unknown[] = [];
  const pin = async (): Promise<Pin> => {
    try {
      return await lake.pin();
    } catch (error) {
      failures.push(error);
      throw error;
    }
  };
  try {
    return await engine.run(statement, pin, options);
  } catch (error) {
    throw failures.find(isClicklakeError) ?? error;
  }
}

/** Cheap enough for every second. */
export function vitalsOf(parts: Pick<LocalParts, 'owner' | 'collector' | 'process'>): Vitals {
  const { version, role, home, collectorUrl, startedAt, now } = parts.process;
  return {
    version,
    pid: process.pid,
    role,
    home,
    uptimeSeconds: Math.floor((now() - startedAt) / 1000),
    residentBytes: process.memoryUsage.rss(),
    collectorUrl,
    ingest: parts.owner?.state() ?? null,
    jobs: parts.owner?.jobsStatus() ?? null,
    collector: parts.collector?.() ?? null,
  };
}

/** @throws ApiError `not-found` */
function parseTopic(topic: string, partition: number): Topic {
  if (Object.hasOwn(topicPartitions, topic)) {
    const known = topic as Topic;
    if (partition >= 0 && partition < topicPartitions[known]) return known;
  }
  throw new ApiError({
    code: 'not-found',
    message: `There is no partition ${partition} of a topic ${topic}.`,
    hint: '`clicklake topics` lists them.',
  });
}

function notHere(what: string, hint: string): never {
  throw new ApiError({ code: 'not-here', message: `This process does not ${what}.`, hint });
}
