import { noCrashPoints, type CrashPoints } from '@clicklake/durable-files';
import type { NewRecord } from '@clicklake/event-log';
import type { LakeOwner, RefreshResult } from '@clicklake/pipeline';
import type { QueryEngine } from '@clicklake/query';
import { openLakeQueries } from '../harness/queries.ts';
import { expect } from 'vitest';
import { botUserAgent, collectedEvent, refused } from '../harness/records.ts';
import { lakeAppender, replayAll } from '../harness/replays.ts';
import { createTestLake, type OpenTestLake, type TestLake } from '../harness/test-lake.ts';
import { goldQueries, type GoldRows, type Visit } from './gold-oracle.ts';

export const minute = 60_000;
export const dayStart = Date.UTC(2026, 4, 10);
/** Everything is received after the last of it happened: late by up to a week. */
const receivedFrom = dayStart + 9 * 1440 * minute;
export const everything = { full: false, models: [] };

function eventOf(visit: Visit) {
  return {
    event_id: visit.id,
    user_id: visit.anonymous === 'alone' ? null : visit.user,
    anonymous_id: visit.anonymous === 'alone' ? visit.user : visit.anonymous === 'beside' ? 'device' : null,
    event_type: visit.type,
    product_id: visit.product,
    timestamp: new Date(visit.at).toISOString(),
    time_on_page: visit.seconds,
    user_agent: visit.bot === true ? botUserAgent : null,
  };
}

export function recordOf(visit: Visit, number: number): NewRecord {
  return collectedEvent(eventOf(visit), receivedFrom + number);
}

/** The same visit as the collector rejects it: a field is of a wrong type. */
function rejectedRecord(visit: Visit, number: number): NewRecord {
  return refused(JSON.stringify({ ...eventOf(visit), scroll_depth: 'deep' }), receivedFrom + number);
}

/** A lake of its own, as a test of Gold handles it. */
export interface GoldBench {
  readonly lake: TestLake;
  readonly owner: LakeOwner;
  /** Sends, ingests and commits one batch. */
  readonly send: (visits: readonly Visit[]) => Promise<void>;
  /** Sends visits that are rejected, replays them mended, ingests and commits them (S8). */
  readonly replay: (visits: readonly Visit[]) => Promise<void>;
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
      async send(visits) {
        await lake.append(visits.map((visit) => recordOf(visit, sent++)));
        await owner.catchUp(() => undefined);
      },
      async replay(visits) {
        await lake.append(visits.map((visit) => rejectedRecord(visit, sent++)));
        await owner.catchUp(() => undefined);
        const appender = lakeAppender(lake, { now: () => receivedFrom + sent++ });
        const select = { filter: { notReplayed: true }, limit: 1_000 };
        const { accepted } = await replayAll(owner, appender, { select, changes: ['unset scroll_depth'] });
        expect(accepted).toBe(visits.length);
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

/** What the four marts that the oracle knows hold. */
export async function goldOf(engine: QueryEngine, owner: LakeOwner): Promise<GoldRows> {
  const rowsOf = async (sql: string): Promise<readonly string[]> => {
    const { rows } = await engine.run(sql, () => owner.pin());
    return rows
      .map((row) =>
        JSON.stringify(row.map((value) => (typeof value === 'bigint' ? Number(value) : asNumber(value)))),
      )
      .sort();
  };
  return {
    sessions: await rowsOf(goldQueries.sessions),
    activity: await rowsOf(goldQueries.activity),
    products: await rowsOf(goldQueries.products),
    days: await rowsOf(goldQueries.days),
  };
}

/** Integers beyond 2^53 come as text, and none here is. */
function asNumber(value: unknown): unknown {
  return typeof value === 'string' && /^\d{10,15}$/.test(value) ? Number(value) : value;
}

let made = 0;
export function visit(user: string, minutes: number, more: Partial<Visit> = {}): Visit {
  made += 1;
  const id = `visit-${String(made).padStart(6, '0')}`;
  return {
    id,
    user,
    at: dayStart + minutes * minute,
    type: 'page_view',
    product: null,
    seconds: null,
    ...more,
  };
}
