import { column, createTable, type DeltaTable, openTable } from '@clicklake/delta-lake';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AddFile, LogEntry, PartitionValues } from '../src/log/actions.ts';
import { tombstoneOf } from '../src/log/commit.ts';
import { type CommitFootprint, findConflict, type ReadScope } from '../src/log/conflict-check.ts';
import { events, idsOf, outrunStore, rowsOfDay, useDuckDb } from './fixtures.ts';

const db = useDuckDb();

interface Contenders {
  /** The one who loses the next commit. */
  readonly slow: DeltaTable;
  readonly fast: DeltaTable;
  /** Lets `fast` do something between the last look of `slow` and its commit. */
  readonly outrun: (task: () => Promise<unknown>) => void;
}

async function contenders(): Promise<Contenders> {
  const store = db.memoryStore();
  const fast = await createTable(store, events, db);
  for (let id = 0; id < 4; id += 1)
    await fast.append(rowsOfDay(id < 2 ? '2026-01-01' : '2026-01-02', id, id + 1));
  const slowStore = outrunStore(store);
  const slow = await openTable(slowStore, db);
  return {
    slow,
    fast,
    outrun(task) {
      slowStore.beforeNextCommit = task;
    },
  };
}

const firstDay = { day: '2026-01-01' };
const secondDay = { day: '2026-01-02' };

const operations: Readonly<Record<string, (table: DeltaTable) => Promise<unknown>>> = {
  'append to day 1': (table) => table.append(rowsOfDay('2026-01-01', 100, 101)),
  'replace day 1': (table) => table.replaceWhere([firstDay], rowsOfDay('2026-01-01', 200, 201)),
  'replace day 2': (table) => table.replaceWhere([secondDay], rowsOfDay('2026-01-02', 300, 301)),
  'delete day 1': (table) => table.deletePartitions([firstDay]),
  'compact day 1': async (table) => {
    const { conflicts } = await table.optimize({ partitions: [firstDay] });
    if (conflicts > 0) throw Object.assign(new Error('given up'), { code: 'delta-concurrent-delete' });
  },
  'restore version 2': (table) => table.restore({ version: 2 }),
  'add a column': (table) => table.addColumns([column('extra', 'long')]),
};

const append = 'delta-concurrent-append';
const remove = 'delta-concurrent-delete';
const metadata = 'delta-metadata-changed';

/** Rows: the slow writer. Columns: who was faster. What the slow one gets; undefined: its commit goes through. */
const outcomes: Readonly<Record<string, Readonly<Record<string, string | undefined>>>> = {
  'append to day 1': {
    'append to day 1': undefined,
    'replace day 1': undefined,
    'replace day 2': undefined,
    'delete day 1': undefined,
    'compact day 1': undefined,
    'restore version 2': undefined,
    'add a column': metadata,
  },
  'replace day 1': {
    'append to day 1': append,
    'replace day 1': remove,
    'replace day 2': undefined,
    'delete day 1': remove,
    'compact day 1': remove,
    'restore version 2': undefined,
    'add a column': metadata,
  },
  'delete day 1': {
    'append to day 1': append,
    'replace day 1': remove,
    'replace day 2': undefined,
    'delete day 1': remove,
    'compact day 1': remove,
    'restore version 2': undefined,
    'add a column': metadata,
  },
  'compact day 1': {
    'append to day 1': undefined,
    'replace day 1': remove,
    'replace day 2': undefined,
    'delete day 1': remove,
    'compact day 1': remove,
    'restore version 2': undefined,
    'add a column': metadata,
  },
  'restore version 2': {
    'append to day 1': append,
    'replace day 1': remove,
    'replace day 2': remove,
    'delete day 1': remove,
    'compact day 1': remove,
    'restore version 2': remove,
    'add a column': metadata,
  },
  'add a column': {
    'append to day 1': undefined,
    'replace day 1': undefined,
    'replace day 2': undefined,
    'delete day 1': undefined,
    'compact day 1': undefined,
    'restore version 2': undefined,
    'add a column': metadata,
  },
};

describe.each(Object.entries(outcomes))('%s', (slowName, row) => {
  test.each(Object.entries(row))('after: %s', async (fastName, expected) => {
    const { slow, fast, outrun } = await contenders();
    const version = (await slow.snapshot()).version;
    outrun(() => operations[fastName]?.(fast) ?? Promise.reject(new Error(fastName)));
    const attempt = operations[slowName]?.(slow).then(
      () => undefined,
      (error: unknown) => (error as { code?: string }).code,
    );
    expect(await attempt).toBe(expected);
    expect((await slow.snapshot()).version).toBe(version + (expected === undefined ? 2 : 1));
  });
});

describe('transactions', () => {
  test('another writer of the same appId fences: the batch is not committed', async () => {
    const { slow, fast, outrun } = await contenders();
    outrun(() =>
      fast.append(rowsOfDay('2026-01-05', 50, 51), { transactions: [{ appId: 'p0', version: 51n }] }),
    );
    const batch = slow.append(rowsOfDay('2026-01-05', 50, 51), {
      transactions: [{ appId: 'p0', version: 51n }],
    });
    await expect(batch).rejects.toMatchObject({ code: 'delta-transaction-fenced', retryable: false });
    expect(await idsOf(db, slow)).toEqual([0, 1, 2, 3, 50]);
  });

  test('another appId does not', async () => {
    const { slow, fast, outrun } = await contenders();
    outrun(() =>
      fast.append(rowsOfDay('2026-01-05', 50, 51), { transactions: [{ appId: 'p0', version: 51n }] }),
    );
    await slow.append(rowsOfDay('2026-01-05', 60, 61), { transactions: [{ appId: 'p1', version: 61n }] });
    expect((await slow.snapshot()).transactions).toEqual(
      new Map([
        ['p0', 51n],
        ['p1', 61n],
      ]),
    );
  });

  test('an expectation that the table does not meet is refused before anything is written', async () => {
    const { slow } = await contenders();
    await slow.append(rowsOfDay('2026-01-05', 50, 51), {
      transactions: [{ appId: 'p0', version: 51n }],
      expectedTransactions: new Map([['p0', undefined]]),
    });
    const stale = slow.append(rowsOfDay('2026-01-05', 51, 52), {
      transactions: [{ appId: 'p0', version: 52n }],
      expectedTransactions: new Map([['p0', 50n]]),
    });
    await expect(stale).rejects.toMatchObject({
      code: 'delta-transaction-fenced',
      details: { found: '51', expected: '50' },
    });
    await slow.append(rowsOfDay('2026-01-05', 51, 52), {
      transactions: [{ appId: 'p0', version: 52n }],
      expectedTransactions: new Map([['p0', 51n]]),
    });
    expect(await idsOf(db, slow)).toEqual([0, 1, 2, 3, 50, 51]);
  });

  test('a version that our handle knows and our content does not is judged too', async () => {
    const { slow, fast } = await contenders();
    const { version } = await slow.snapshot();
    const staged = await slow.stage(rowsOfDay('2026-01-01', 70, 71));
    await fast.addColumns([column('extra', 'long')]);
    await slow.snapshot();
    await expect(
      slow.commit({ operation: 'WRITE', adds: staged, readVersion: version }),
    ).rejects.toMatchObject({ code: metadata });
  });
});

const day = fc.constantFrom('2026-01-01', '2026-01-02', null);
const file = fc
  .record({ path: fc.constantFrom('a', 'b', 'c', 'd'), day })
  .map(({ path, day: value }): AddFile => ({
    path,
    partitionValues: { day: value },
    size: 1,
    modificationTime: 0,
    dataChange: true,
    stats: null,
    tags: null,
  }));
const winner = fc
  .record({
    adds: fc.uniqueArray(file, { selector: (add) => add.path }),
    removes: fc.uniqueArray(file, { selector: (add) => add.path }),
    app: fc.option(fc.constantFrom('x', 'y')),
  })
  .map(({ adds, removes, app }): LogEntry => ({
    protocol: undefined,
    metadata: undefined,
    commitInfo: undefined,
    transactions: app === null ? [] : [{ appId: app, version: 1n, lastUpdated: 0 }],
    adds,
    removes: removes.map((add) => tombstoneOf(add, 0, true)),
  }));
const scope: fc.Arbitrary<ReadScope> = fc.oneof(
  fc.constant<ReadScope>({ kind: 'nothing' }),
  fc.constant<ReadScope>({ kind: 'removed-files' }),
  fc.constant<ReadScope>({ kind: 'table' }),
  fc
    .array(
      fc.oneof(
        day.map((value): PartitionValues => ({ day: value })),
        fc.constant<PartitionValues>({}),
      ),
    )
    .map((partitions): ReadScope => ({ kind: 'partitions', partitions })),
);

test('a conflict is exactly: a shared appId, a file that both remove, or a change in what was read', () => {
  fc.assert(
    fc.property(
      winner,
      scope,
      fc.uniqueArray(fc.constantFrom<string[]>('a', 'b', 'c', 'd')),
      fc.uniqueArray(fc.constantFrom<string[]>('x', 'y')),
      (entry, reads, removed, appIds) => {
        const ours: CommitFootprint = {
          reads,
          removedPaths: new Set(removed),
          appIds: new Set(appIds),
          changesMetadata: false,
        };
        const inScope = (values: PartitionValues | null): boolean =>
          reads.kind === 'table' ||
          (reads.kind === 'partitions' &&
            reads.partitions.some((wanted) => !('day' in wanted) || wanted.day === values?.day));
        const clashes =
          entry.transactions.some((txn) => appIds.includes(txn.appId)) ||
          entry.removes.some(
            (tombstone) => removed.includes(tombstone.path) || inScope(tombstone.partitionValues),
          ) ||
          entry.adds.some((add) => inScope(add.partitionValues));
        expect(findConflict(ours, entry, 1) !== undefined).toBe(clashes);
      },
    ),
    { numRuns: 500 },
  );
});
