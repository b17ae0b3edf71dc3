import { randomInt } from 'node:crypto';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { openKeyStore } from '@clicklake/collector';
import { isClicklakeError } from '@clicklake/errors';
import { integerBelow, seededRandom } from '@clicklake/durable-files/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createAdminClient, type AdminClient } from '../src/lake/admin-client.ts';
import { readApiToken } from '../src/lake/api-token.ts';
import { homePaths } from '../src/lake/home.ts';
import { serverKeyOf } from '../src/produce/server-key.ts';
import { crashPointNames } from './support/crash-point-names.ts';
import { freePort } from '../../../tests/support/free-port.ts';
import { sendShoppers, type Delivered, type ShoppersOptions } from './support/shoppers.ts';
import { openTruthJudge, type TruthJudge } from './support/truth-verdict.ts';
import { startProduct, type ProductProcess } from './support/product-process.ts';

/** Frequent commits with checkpoints and log clean-up; jobs only when asked for. */
const everyLife = {
  CLICKLAKE_INGEST_TICK_INTERVAL: '50ms',
  CLICKLAKE_INGEST_COMMIT_INTERVAL: '250ms',
  CLICKLAKE_LOG_MIN_FREE: '1MB',
  CLICKLAKE_SILVER_CHECKPOINT_INTERVAL: '3',
  CLICKLAKE_SILVER_VERSION_RETENTION: '1s',
  CLICKLAKE_SILVER_DELETED_FILE_RETENTION: '10s',
  CLICKLAKE_JOBS_REFRESH: 'off',
  CLICKLAKE_JOBS_MAINTENANCE: 'off',
  CLICKLAKE_JOBS_RETENTION: 'off',
};
const disturbed = { records: 300, rate: 300, late: 0.1, duplicates: 0.1, malformed: 0.1 };

type Shoppers = Pick<ShoppersOptions, 'records' | 'rate' | 'late' | 'duplicates' | 'malformed'>;

/** A kill at one point, and what leads there beside the shoppers' events. */
interface Case {
  /** `name`, or `name:3` for the third time. */
  readonly at: string;
  /** Whether the home is a lake with a past; otherwise only keys are there. */
  readonly home?: 'empty';
  readonly settings?: Readonly<Record<string, string>>;
  readonly shoppers?: Shoppers;
  /** No new events once the process is dead; otherwise all of them come, in one life or the other. */
  readonly untilKilled?: true;
  /** Done in the life that is to be killed, and again in the next one. */
  readonly act?: (life: Life) => Promise<unknown>;
  /** Of dates before this Silver has no rows in the end. */
  readonly oldestDate?: () => string;
  /** Whether Gold is held against the truth, too. */
  readonly gold?: true;
}

interface Life {
  readonly up: ProductProcess;
  readonly admin: AdminClient;
  /** Resolves when every record of the shoppers has been acknowledged. */
  readonly delivered: Promise<unknown>;
}

const smallSegments = { CLICKLAKE_LOG_RETENTION_SIZE: '128KB', CLICKLAKE_LOG_RETENTION: '1ms' };

/** With each quarter of so small a table of ids the index saves a run; eight of them are merged. */
const manyIds: Omit<Case, 'at'> = {
  settings: { CLICKLAKE_INGEST_DEDUPE_MEMORY: '8MB' },
  shoppers: { ...disturbed, records: 300_000, rate: 6_000, malformed: 0.005 },
  untilKilled: true,
};

/**
 * With no window to speak of dates whose events came a moment ago may go. Nothing is killed while events are on
 * their way: a repetition would not be recognised.
 */
const silverRetention: Omit<Case, 'at'> = {
  settings: { CLICKLAKE_SILVER_RETENTION: '1d', CLICKLAKE_INGEST_DEDUPE_WINDOW: '1ms' },
  shoppers: { ...disturbed, records: 100, late: 0, duplicates: 0 },
  oldestDate: () => new Date(Date.now() - 86_400_000).toISOString().slice(0, 10),
  async act(life) {
    await life.delivered;
    await caughtUp(life.admin);
    await life.admin.runJob('retention');
  },
};
const refresh: Omit<Case, 'at'> = {
  act: ({ admin }) => admin.refresh({ full: false, models: [] }),
  gold: true,
};
const stop = {
  async act({ up, admin }: Life): Promise<void> {
    await someCommitted(admin);
    await up.end('SIGTERM');
  },
};

const cases: readonly Case[] = [
  { at: 'lake-table-created:1', home: 'empty' },
  { at: 'lake-table-created:3', home: 'empty' },
  { at: 'log-after-write-before-sync:1' },
  { at: 'log-after-write-before-sync:9' },
  { at: 'log-after-sync-before-ack:1' },
  { at: 'log-after-sync-before-ack:9' },
  { at: 'log-segment-created:2', settings: smallSegments },
  {
    at: 'log-retention-deleting:2',
    settings: smallSegments,
    async act({ admin, delivered }) {
      const all = new AbortController();
      const note = (): void => all.abort();
      delivered.then(note, note);
      while (!all.signal.aborted) await admin.runJob('retention');
      await admin.runJob('retention');
    },
  },
  { at: 'delta-parquet-written:1' },
  { at: 'delta-parquet-written:5' },
  { at: 'ingest-staged:2' },
  { at: 'delta-before-commit:1' },
  { at: 'delta-before-commit:2' },
  { at: 'delta-before-commit:3' },
  { at: 'delta-after-commit:1' },
  { at: 'delta-after-commit:2' },
  { at: 'delta-after-commit:3' },
  { at: 'ingest-between-dead-letters-and-duplicates:2' },
  { at: 'ingest-between-duplicates-and-silver:2' },
  { at: 'ingest-after-silver:2' },
  { at: 'delta-checkpoint-written:2' },
  { at: 'delta-log-cleanup:2' },
  { at: 'dedupe-before-save', ...stop },
  { at: 'dedupe-run-written', ...stop },
  { at: 'dedupe-after-save', ...stop },
  { at: 'dedupe-merge-written', ...manyIds },
  { at: 'dedupe-merge-installed', ...manyIds },
  {
    at: 'delta-optimize-before-commit',
    async act({ admin }) {
      await someCommitted(admin);
      await admin.optimize('silver', {});
    },
  },
  {
    at: 'delta-vacuum-deleting',
    async act({ admin }) {
      // What OPTIMIZE replaced when the lake was made is old enough within seconds.
      const expired = async (): Promise<number> =>
        (await admin.vacuum('silver', { dryRun: true })).files.length;
      await expect.poll(expired).toBeGreaterThan(0);
      await admin.vacuum('silver', {});
    },
  },
  { at: 'retention-before-commit', ...silverRetention },
  { at: 'retention-after-commit', ...silverRetention },
  { at: 'job-begun', act: ({ admin }) => admin.runJob('maintenance') },
  { at: 'job-before-record', act: ({ admin }) => admin.runJob('maintenance') },
  { at: 'refresh-planned', ...refresh },
  { at: 'refresh-after-model:2', ...refresh },
];

/** What a person has to ask for, with damage or dead letters at hand: killed by other tests. */
const elsewhere: Readonly<Record<string, string>> = {
  'log-skip-before-record': '../../../packages/event-log/test/kill.test.ts',
  'log-skip-recorded': '../../../packages/event-log/test/kill.test.ts',
  'replay-before-append': './replay-crash.heavy.test.ts',
  'replay-after-append': './replay-crash.heavy.test.ts',
};

let root: string;
let template: string;
let home: string;
let ports: { admin: number; collector: number };
let key: string;
let judge: TruthJudge;
let past: Delivered;
const lives = new Set<ProductProcess>();
let over: AbortController;

function live(settings: Readonly<Record<string, string>> = {}, crashAt = '', at = home): ProductProcess {
  const up = startProduct('up', { home: at, ports, settings: { ...everyLife, ...settings }, crashAt });
  lives.add(up);
  return up;
}

async function adminOf(of: string): Promise<AdminClient> {
  const token = await readApiToken(homePaths(of).apiToken);
  return createAdminClient(`http://127.0.0.1:${ports.admin}`, token);
}

function send(truthFile: string, more: Shoppers & Pick<ShoppersOptions, 'repeats' | 'signal'>, seed: string) {
  return sendShoppers({
    url: `http://127.0.0.1:${ports.collector}`,
    key,
    truthFile,
    seed,
    ...more,
    abandon: over.signal,
  });
}

async function caughtUp(admin: AdminClient): Promise<void> {
  const isCaughtUp = async (): Promise<void> =>
    expect((await admin.ledger({ deep: false })).in_flight).toBe(0);
  await vi.waitFor(isCaughtUp, { timeout: 60_000 });
}

/** Silver has more than it came with. */
async function someCommitted(admin: AdminClient): Promise<void> {
  const events = past.records.filter(({ kind }) => kind === 'event').length;
  await expect.poll(async () => (await admin.ledger({ deep: false })).silver).toBeGreaterThan(events);
}

/** A lake with a past: late events, duplicates, dead letters, a checkpoint, files that OPTIMIZE has replaced. */
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'clicklake-crash-'));
  template = join(root, 'template');
  home = join(root, 'home');
  ports = { admin: await freePort(), collector: await freePort() };
  judge = await openTruthJudge();
  over = new AbortController();
  const up = live({}, '', template);
  expect(await up.ready, up.talk()).toBe(true);
  key = serverKeyOf((await openKeyStore(homePaths(template).writeKeys)).list());
  const admin = await adminOf(template);
  await admin.runJob('maintenance');
  past = await send(join(root, 'past.jsonl'), { ...disturbed, late: 0.3, rate: 600 }, 'past');
  await caughtUp(admin);
  await admin.optimize('silver', {});
  expect(await up.end('SIGTERM'), up.talk()).toBe(0);
});
afterAll(async () => {
  await endLives();
  judge.close();
  await rm(root, { recursive: true, force: true, maxRetries: 5 });
});
beforeEach(async () => {
  over = new AbortController();
  await rm(home, { recursive: true, force: true, maxRetries: 5 });
});
afterEach(endLives);

async function endLives(): Promise<void> {
  over.abort();
  await Promise.all([...lives].map((life) => life.end('SIGKILL')));
  lives.clear();
}

/** The committed tables are what the truth files say, to the row, and every record of the log is in one place. */
async function expectTruth(
  admin: AdminClient,
  up: ProductProcess,
  truthFiles: readonly string[],
  oldestDate?: string,
): Promise<void> {
  await caughtUp(admin);
  const counts = await judge.count(truthFiles, oldestDate);
  const removed = (await judge.count(truthFiles)).events - counts.events;
  if (oldestDate !== undefined) expect(removed).toBeGreaterThan(0);
  for (const count of Object.values(counts)) expect(count).toBeGreaterThan(0);
  const ledger = await admin.ledger({ deep: true });
  await up.end('SIGKILL');
  expect(await judge.judge(home, truthFiles, oldestDate)).toEqual({
    missing: [],
    unexpected: [],
    duplicates: [],
    unfounded: [],
    deadLetters: [],
  });
  expect(ledger).toMatchObject({ balanced: true, silver: counts.events, unreadable: 0, removed });
  // What was removed is in the log, and booked as such.
  expect(ledger.deep).toMatchObject({ missingOffsets: 0, removedOffsets: removed, repeated: [] });
}

describe('kill -9 of `up` at a named point, with events coming over HTTP (S4.1, S5.1, S5.3)', () => {
  it('every point that there is has its case, here or in the test that is named', async () => {
    const here = cases.map(({ at }) => at.split(':')[0]);
    expect([...new Set([...here, ...Object.keys(elsewhere)])].sort()).toEqual([...crashPointNames()].sort());
    for (const [name, file] of Object.entries(elsewhere))
      expect(await readFile(join(import.meta.dirname, file), 'utf8')).toContain(`'${name}`);
  });

  it.each(cases)('at $at: what was acknowledged is there once, as the truth file says', async (given) => {
    const { at, settings, shoppers = disturbed, act } = given;
    const isNew = given.home === 'empty';
    const part = isNew ? 'secrets' : '.';
    await cp(join(template, part), join(home, part), { recursive: true, preserveTimestamps: true });
    const admin = await adminOf(home);
    const truthFile = join(root, `${at}.jsonl`);

    const victim = live(settings, at);
    const serves = await victim.ready;
    const enough = new AbortController();
    if (given.untilKilled === true) void victim.ended.then(() => enough.abort());
    const more = { ...repeats(given), signal: enough.signal };
    const delivered = send(truthFile, { ...shoppers, ...more }, at);
    // Awaited below, unless an expectation fails before.
    delivered.catch(() => undefined);
    const everythingDone = async (): Promise<string> => {
      if (serves) await act?.({ up: victim, admin, delivered });
      await delivered;
      await caughtUp(admin);
      return 'nothing, everything was done';
    };
    const ending = await Promise.race([victim.ended, everythingDone().catch((error: unknown) => error)]);
    // Who asks a process that is killed may hear of it before we do.
    expect(isUnreachable(ending) ? await victim.ended : ending, `${at}, ${victim.talk()}`).toBe('SIGKILL');

    const survivor = live(settings);
    expect(await survivor.ready, survivor.talk()).toBe(true);
    const { surprises } = await delivered;
    expect(surprises).toBe(0);
    if (act !== undefined && act !== stop.act) await act({ up: survivor, admin, delivered });
    const truthFiles = [...(isNew ? [] : [join(root, 'past.jsonl')]), truthFile];
    if (given.gold === true) await expectGold(admin, truthFiles);
    await expectTruth(admin, survivor, truthFiles, given.oldestDate?.());
  });

  function isUnreachable(error: unknown): boolean {
    return isClicklakeError(error) && error.code === 'cli-owner-unreachable';
  }

  function repeats({ home: from, shoppers }: Case): Pick<ShoppersOptions, 'repeats'> {
    return from === 'empty' || shoppers?.duplicates === 0 ? {} : { repeats: past.records };
  }

  async function expectGold(admin: AdminClient, truthFiles: readonly string[]): Promise<void> {
    await caughtUp(admin);
    await admin.refresh({ full: false, models: [] });
    const { rows } = await admin.sql('SELECT sum(total_events)::INTEGER FROM daily_user_activity', {});
    expect(rows).toEqual([[(await judge.count(truthFiles)).ofPeople]]);
  }
});

// CLICKLAKE_TEST_SEED repeats a run as far as kill times can.
const seed = Number(process.env.CLICKLAKE_TEST_SEED ?? randomInt(1, 2 ** 31));

it(`kill -9 of \`up\` at random moments, its start and its jobs included, seed ${seed}: the truth file holds`, async () => {
  const random = seededRandom(seed);
  const jobs = {
    CLICKLAKE_JOBS_REFRESH: 'after-commits',
    CLICKLAKE_JOBS_REFRESH_INTERVAL: '500ms',
    CLICKLAKE_JOBS_MAINTENANCE: 'after-commits',
    CLICKLAKE_JOBS_RETENTION: 'after-commits',
    ...smallSegments,
  };
  await cp(template, home, { recursive: true, preserveTimestamps: true });
  const enough = new AbortController();
  const truthFile = join(root, 'random.jsonl');
  const sending = send(
    truthFile,
    { ...disturbed, records: Infinity, repeats: past.records, signal: enough.signal },
    `random ${seed}`,
  );
  for (let kill = 0; kill < 15; kill += 1) {
    const up = live(jobs);
    // The first second is the start.
    await delay(integerBelow(random, 3_000));
    expect(await up.end('SIGKILL'), up.talk()).toBe('SIGKILL');
  }
  const survivor = live(jobs);
  expect(await survivor.ready, survivor.talk()).toBe(true);
  enough.abort();
  expect((await sending).surprises).toBe(0);
  await expectTruth(await adminOf(home), survivor, [join(root, 'past.jsonl'), truthFile]);
});
