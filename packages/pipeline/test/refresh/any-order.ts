import { localStore } from '@clicklake/delta-lake';
import { nodeFileSystem, type CrashPoints } from '@clicklake/durable-files';
import type { NewRecord } from '@clicklake/event-log';
import { createGoldRefresh, PipelineError, type LakeOwner } from '@clicklake/pipeline';
import fc from 'fast-check';
import { expect } from 'vitest';
import { expectBalanced } from '../harness/expectations.ts';
import { openLakeQueries } from '../harness/queries.ts';
import { lakeAppender, replayAll } from '../harness/replays.ts';
import { createTestLake } from '../harness/test-lake.ts';
import {
  dayStart,
  everything,
  goldOf,
  mending,
  receivedFrom,
  recordOf,
  rejectedRecord,
} from './gold-bench.ts';
import { expectedGold, type GoldRows, type SentEvent } from './gold-oracle.ts';
import { happenings, type Happening } from './happenings.ts';
import { createSilverModel, type DrawnEvent } from './silver-model.ts';

const lastEvent: DrawnEvent = {
  userId: 'ann',
  anonymousId: null,
  at: dayStart,
  type: 'page_view',
  product: null,
  seconds: null,
  isBot: false,
  clientSession: null,
  page: null,
  referrer: null,
  country: null,
  device: null,
};
const errorsPartition = { topic: 'clickstream-errors', partition: 0 };

export interface AnyOrder {
  readonly runs: number;
  /** Of each run, at most. */
  readonly happenings: number;
  readonly limitMs: number;
}

/**
 * Lets happen what may to a lake, in any order, beside a model of what Silver then has to hold: Gold is that of the
 * oracle, before and after a full refresh, and the ledger balances.
 */
export async function expectGoldInAnyOrder({ runs, happenings: most, limitMs }: AnyOrder): Promise<void> {
  await fc.assert(
    fc.asyncProperty(happenings(most), async (what) => {
      const bench = await openAnyOrderBench();
      try {
        for (const one of what) await bench.apply(one);
        await bench.settle();
        const expected = expectedGold(bench.kept());
        expect(await bench.gold()).toEqual(expected);
        await bench.refreshAll();
        expect(await bench.gold()).toEqual(expected);
        expect(await bench.owner().ledger({ deep: true })).toMatchObject({
          silver: bench.kept().length,
          in_flight: 0,
          balanced: true,
        });
      } finally {
        await bench.close();
      }
    }),
    { numRuns: runs, interruptAfterTimeLimit: limitMs },
  );
}

/** The lake and its model. */
interface AnyOrderBench {
  apply(happening: Happening): Promise<void>;
  /** Reads on in the log, and brings Gold up. */
  settle(): Promise<void>;
  /** What the model says that Silver holds. */
  kept(): readonly SentEvent[];
  refreshAll(): Promise<void>;
  gold(): Promise<GoldRows>;
  owner(): LakeOwner;
  close(): Promise<void>;
}

async function openAnyOrderBench(): Promise<AnyOrderBench> {
  const lake = await createTestLake();
  const queryEngine = await openLakeQueries(lake);
  const interruption = createInterruption();
  const open = (): Promise<LakeOwner> => lake.open({ queryEngine, crashPoints: interruption.points });
  let owner = await open();
  // As a process of its own would refresh, with the memory for so many rows.
  const inPieces = createGoldRefresh({
    paths: { ...lake.paths, refreshScratch: `${lake.paths.refreshScratch}-in-pieces` },
    files: nodeFileSystem,
    openStore: localStore,
    crashPoints: interruption.points,
    clock: Date.now,
    rowsPerPiece: 12,
  });
  const model = createSilverModel();
  await note();
  let received = 0;

  async function note(): Promise<void> {
    const [newest] = (await owner.history('silver', 1)) ?? [];
    model.note(newest?.version ?? -1);
  }

  async function readOn(): Promise<void> {
    await owner.catchUp(() => undefined);
    model.readOn();
    await note();
  }

  const record = (event: SentEvent): NewRecord => recordOf(event, received++);

  /** Of a lake that never had an event there is no Gold (S7.3). */
  async function refresh(few = false): Promise<'done' | 'of nothing'> {
    try {
      await (few ? inPieces : owner).refresh(everything);
      return 'done';
    } catch (error) {
      const isOfNothing = error instanceof PipelineError && error.code === 'refresh-no-silver';
      if (!isOfNothing || model.kept().length > 0) throw error;
      return 'of nothing';
    }
  }

  const gold = (): Promise<GoldRows> => goldOf(queryEngine, owner);

  async function append(records: readonly NewRecord[]): Promise<void> {
    await lake.append(records);
    await readOn();
  }

  const apply: {
    readonly [K in Happening['kind']]: (what: Extract<Happening, { kind: K }>) => Promise<void>;
  } = {
    async send({ events: drawn, copies: again }) {
      const batch = model.send(drawn, again);
      await append(batch.map(record));
    },
    async reject({ events: drawn }) {
      const batch = model.reject(drawn);
      await append(batch.map((event) => rejectedRecord(event, received++)));
    },
    async replay({ times }) {
      await readOn();
      const places = model.unreplayed().map((offset) => ({ ...errorsPartition, offset }));
      const appender = lakeAppender(lake, { now: () => receivedFrom + received++ });
      for (let time = 0; time < times && places.length > 0; time += 1) {
        const { accepted } = await replayAll(owner, appender, { select: { places }, changes: mending });
        expect(accepted).toBe(places.length);
        model.replay(places.map(({ offset }) => offset));
      }
      await readOn();
    },
    async restore({ back, discard, later }) {
      const version = model.versionAt(back);
      if (discard && !model.mayDiscard(version)) {
        const refused = { code: 'restore-not-possible' };
        await expect(owner.restore('silver', { version, discard })).rejects.toMatchObject(refused);
        return;
      }
      await owner.restore('silver', { version, discard });
      model.restore(version, discard);
      await note();
      await expectBalanced(owner);
      if (later) return;
      await readOn();
      await expectBalanced(owner);
    },
    async refresh({ times, inPieces: few }) {
      for (let time = 0; time < times; time += 1)
        if ((await refresh(few)) === 'done') expect(await gold()).toEqual(expectedGold(model.kept()));
    },
    async 'interrupted refresh'({ point, nth, inPieces: few }) {
      interruption.arm(point, nth);
      // With less to do than that many times the point it is a refresh like others.
      await refresh(few).catch((error: unknown) => {
        if (!interruption.isReasonOf(error)) throw error;
      });
      interruption.disarm();
    },
    async compact() {
      await owner.optimize('silver', {});
      await note();
    },
    async restart() {
      await owner.close();
      owner = await open();
    },
  };

  return {
    apply: (what) => (apply[what.kind] as (what: Happening) => Promise<void>)(what),
    async settle() {
      await readOn();
      if (model.kept().length === 0) await append(model.send([lastEvent], []).map(record));
      await refresh();
    },
    kept: () => model.kept(),
    async refreshAll() {
      await owner.refresh({ ...everything, full: true });
    },
    gold,
    owner: () => owner,
    async close() {
      await inPieces.close();
      await owner.close();
      await queryEngine.close();
      await lake.remove();
    },
  };
}

interface Interruption {
  readonly points: CrashPoints;
  arm(point: string, nth: number): void;
  disarm(): void;
  isReasonOf(error: unknown): boolean;
}

/** Fails, instead of dying, at a crash point. */
function createInterruption(): Interruption {
  const failure = new Error('interrupted');
  let awaited: string | null = null;
  let remaining = 0;
  return {
    points: {
      reach(name) {
        if (name !== awaited) return;
        remaining -= 1;
        if (remaining <= 0) throw failure;
      },
    },
    arm(point, nth) {
      awaited = point;
      remaining = nth;
    },
    disarm() {
      awaited = null;
    },
    isReasonOf(error) {
      return error === failure || (error instanceof Error && error.cause === failure);
    },
  };
}
