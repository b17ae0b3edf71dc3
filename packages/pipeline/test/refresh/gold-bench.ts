import { join } from 'node:path';
import { noCrashPoints, type CrashPoints } from '@clicklake/durable-files';
import type { NewRecord } from '@clicklake/event-log';
import { loadProject, type LakeOwner, type ModelColumn, type RefreshResult } from '@clicklake/pipeline';
import type { QueryEngine } from '@clicklake/query';
import { openLakeQueries } from '../harness/queries.ts';
import { expect } from 'vitest';
import { botUserAgent, collectedEvent, refused } from '../harness/records.ts';
import { lakeAppender, replayAll } from '../harness/replays.ts';
import { createTestLake, type OpenTestLake, type TestLake } from '../harness/test-lake.ts';
import { goldTables, inOrder, type GoldRow, type GoldRows, type SentEvent } from './gold-oracle.ts';

export const minute = 60_000;
export const dayStart = Date.UTC(2026, 4, 10);
/** Everything is received after the last of it happened: late by up to a week. */
export const receivedFrom = dayStart + 9 * 1440 * minute;
export const everything = { full: false, models: [] };

/** The event as its client sends it. */
function bodyOf(event: SentEvent) {
  return {
    event_id: event.id,
    user_id: event.userId,
    anonymous_id: event.anonymousId,
    session_id: event.clientSession,
    event_type: event.type,
    event_name: event.type === 'custom' ? 'scrolled' : null,
    product_id: event.product,
    timestamp: new Date(event.at).toISOString(),
    page_url: event.page,
    referrer: event.referrer,
    country: event.country,
    device_type: event.device,
    time_on_page: event.seconds,
    user_agent: event.isBot ? botUserAgent : null,
  };
}

export function recordOf(event: SentEvent, number: number): NewRecord {
  return collectedEvent(bodyOf(event), receivedFrom + number);
}

/** The same event as the collector rejects it: a field is of a wrong type. */
export function rejectedRecord(event: SentEvent, number: number): NewRecord {
  return refused(JSON.stringify({ ...bodyOf(event), scroll_depth: 'deep' }), receivedFrom + number);
}

/** What mends a `rejectedRecord`. */
export const mending = ['unset scroll_depth'];

/** A lake of its own, as a test of Gold handles it. */
export interface GoldBench {
  readonly lake: TestLake;
  readonly owner: LakeOwner;
  /** Sends, ingests and commits one batch. */
  readonly send: (events: readonly SentEvent[]) => Promise<void>;
  /** Sends events that are rejected, replays them mended, ingests and commits them (S8). */
  readonly replay: (events: readonly SentEvent[]) => Promise<void>;
  readonly refresh: (full?: boolean) => Promise<RefreshResult>;
  readonly gold: () => Promise<GoldRows>;
  /** Rows of a user's question. */
  readonly sql: (statement: string) => Promise<readonly (readonly unknown[])[]>;
}

export async function onALake(
  work: (bench: GoldBench) => Promise<void>,
  crashPoints?: CrashPoints,
  more: OpenTestLake = {},
): Promise<void> {
  const lake = await createTestLake();
  const queryEngine = await openLakeQueries(lake);
  const owner = await lake.open({ ...more, queryEngine, crashPoints: crashPoints ?? noCrashPoints });
  let sent = 0;
  try {
    await work({
      lake,
      owner,
      async send(events) {
        await lake.append(events.map((event) => recordOf(event, sent++)));
        await owner.catchUp(() => undefined);
      },
      async replay(events) {
        await lake.append(events.map((event) => rejectedRecord(event, sent++)));
        await owner.catchUp(() => undefined);
        const appender = lakeAppender(lake, { now: () => receivedFrom + sent++ });
        const select = { filter: { notReplayed: true }, limit: 1_000 };
        const { accepted } = await replayAll(owner, appender, { select, changes: mending });
        expect(accepted).toBe(events.length);
        await owner.catchUp(() => undefined);
      },
      refresh: (full = false) => owner.refresh({ ...everything, full }),
      gold: () => goldOf(queryEngine, owner),
      sql: async (statement) => (await queryEngine.run(statement, () => owner.pin())).rows,
    });
  } finally {
    await owner.close();
    await queryEngine.close();
    await lake.remove();
  }
}

const project = loadProject(join(import.meta.dirname, '../../../../models'));

/** Every column of every Gold table that the project describes, as users are answered. */
export async function goldOf(engine: QueryEngine, owner: LakeOwner): Promise<GoldRows> {
  const { models } = await project;
  const found = new Map<string, readonly GoldRow[]>();
  for (const { name, materialized, columns } of models.values()) {
    if (materialized === 'view') continue;
    const select = columns.map(asPlainValue).join(', ');
    const { rows } = await engine.run(`SELECT ${select} FROM ${name}`, () => owner.pin());
    found.set(
      name,
      inOrder(
        rows.map((row) =>
          Object.fromEntries(columns.map((column, index) => [column.name, plainValue(column, row[index])])),
        ),
      ),
    );
  }
  // The oracle has to know what the project makes, and the project what the oracle does.
  expect([...found.keys()].sort()).toEqual([...goldTables].sort());
  return Object.fromEntries(found) as Record<(typeof goldTables)[number], readonly GoldRow[]>;
}

function asPlainValue({ name, type }: ModelColumn): string {
  if (type === 'date') return `CAST("${name}" AS VARCHAR)`;
  return type.startsWith('timestamp') ? `epoch_ms("${name}")` : `"${name}"`;
}

function plainValue({ name, type }: ModelColumn, value: unknown): string | number | null {
  if (value === null) return null;
  if (typeof value === 'string' && (type === 'varchar' || type === 'date')) return value;
  // 64-bit integers may come as bigint or as text; none here is beyond 2^53.
  const number = Number(value);
  if (!Number.isFinite(number)) throw new TypeError(`${name} holds something that is no ${type}`);
  return number;
}

let made = 0;
/** An event so many minutes after `dayStart`, with an id that no other has. */
export function visit(user: string, minutes: number, more: Partial<SentEvent> = {}): SentEvent {
  made += 1;
  return {
    id: `visit-${String(made).padStart(6, '0')}`,
    userId: user,
    anonymousId: null,
    at: dayStart + Math.round(minutes * minute),
    type: 'page_view',
    product: null,
    seconds: null,
    isBot: false,
    clientSession: null,
    page: `https://shop.example/${made % 9}`,
    referrer: null,
    country: null,
    device: null,
    ...more,
  };
}
