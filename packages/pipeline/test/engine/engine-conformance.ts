import type { EngineSession, ReplaceDates, WrittenTable } from '@clicklake/pipeline';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sourceName, type EngineHarness } from './engine-harness.ts';

const totals: WrittenTable = {
  name: 'totals',
  description: 'Totals of a day.',
  columns: [
    { name: 'day', type: 'date', description: '' },
    { name: 'total', type: 'bigint', description: '' },
  ],
  dateColumn: 'day',
};
const [first, second, third] = ['2026-01-01', '2026-01-02', '2026-01-03'] as const;

const row = (day: string, total: number): string =>
  `select cast('${day}' as date) as day, cast(${total} as bigint) as total`;
const rows = (...pairs: readonly (readonly [string, number])[]): string =>
  pairs.map(([day, total]) => row(day, total)).join(' union all ');

function replacement(more: Partial<ReplaceDates>): ReplaceDates {
  return { table: 'totals', selects: [], dates: 'all', transactions: [], expected: new Map(), ...more };
}

/** What every implementation of the port must do, in SQL that DuckDB, Spark and Trino share. */
export function describeEngine(name: string, create: () => Promise<EngineHarness>): void {
  describe(`${name}: the engine port`, () => {
    let harness: EngineHarness;
    beforeEach(async () => {
      harness = await create();
    });
    afterEach(() => harness.dispose());

    async function inSession<Result>(
      work: (session: EngineSession) => Promise<Result>,
      tables: readonly WrittenTable[] = [totals],
      engine = harness.engine,
    ): Promise<Result> {
      const session = await engine.openSession(tables);
      try {
        return await work(session);
      } finally {
        await session.close();
      }
    }

    const replace = (more: Partial<ReplaceDates>, engine = harness.engine): Promise<unknown> =>
      inSession((session) => session.replaceDates(replacement(more)), [totals], engine);
    const contents = (engine = harness.engine): Promise<unknown> =>
      inSession(
        (session) => session.query(`select * from ${session.relation('model', 'totals')} order by 1, 2`),
        [totals],
        engine,
      );
    const idsOf = (session: EngineSession, dates?: readonly string[]): Promise<unknown> => {
      const where =
        dates === undefined
          ? ''
          : `where day in (${dates.map((day) => `cast('${day}' as date)`).join(', ')})`;
      return session
        .query(`select id from ${session.relation('source', sourceName)} ${where} order by id`, dates)
        .then((found) => found.map(({ id }) => id));
    };

    describe('reading', () => {
      test('64-bit integers are bigint; dates and instants ISO 8601 text in UTC', async () => {
        const [found] = await inSession((session) =>
          session.query(
            `select cast(9007199254740993 as bigint) as id, cast('2026-01-02' as date) as day,
               cast('2026-01-02 03:04:05.678+00:00' as timestamp with time zone) as at,
               cast('x' as varchar) as text, cast(null as varchar) as nothing, 1 = 1 as yes, cast(0.5 as double) as half`,
          ),
        );
        expect(found).toEqual({
          id: 9007199254740993n,
          day: '2026-01-02',
          at: '2026-01-02T03:04:05.678Z',
          text: 'x',
          nothing: null,
          yes: true,
          half: 0.5,
        });
      });

      test('a source as it was when the session began, whatever others commit', async () => {
        await harness.appendToSource(first, [1]);
        await inSession(async (session) => {
          const { version } = session.table('source', sourceName) ?? {};
          await harness.appendToSource(first, [2]);
          await harness.replaceInSource(first, [3]);
          expect(await idsOf(session)).toEqual([1n]);
          expect(session.table('source', sourceName)?.version).toBe(version);
        });
        await inSession(async (session) => expect(await idsOf(session)).toEqual([3n]));
      });

      test('a hint of dates changes no answer about them, nor any later one', async () => {
        await harness.appendToSource(first, [1]);
        await harness.appendToSource(second, [2]);
        await inSession(async (session) => {
          expect(await idsOf(session, [second])).toEqual([2n]);
          expect(await idsOf(session, [third])).toEqual([]);
          expect(await idsOf(session)).toEqual([1n, 2n]);
        });
      });

      test('rows by date, and a view over the source', async () => {
        await harness.appendToSource(second, [2, 3]);
        await harness.appendToSource(first, [1]);
        await inSession(async (session) => {
          expect([...(session.table('source', sourceName)?.rowsByDate ?? [])]).toEqual([
            [first, 1],
            [second, 2],
          ]);
          await session.createView(
            'odd',
            `select * from ${session.relation('source', sourceName)} where id <> 2`,
          );
          const found = await session.query(
            `select count(*) as n, sum(id) as ids from ${session.relation('model', 'odd')}`,
          );
          expect(found.map(({ n, ids }) => [Number(n), Number(ids)])).toEqual([[2, 4]]);
        });
      });
    });

    test('a narrowed view gives the rows of its SELECT until it is given all of them again', async () => {
      await harness.appendToSource(first, [1, 2]);
      await harness.appendToSource(second, [3]);
      await inSession(async (session) => {
        await session.createView(
          'odd',
          `select * from ${session.relation('source', sourceName)} where id <> 2`,
        );
        const odd = session.relation('model', 'odd');
        const ids = async (): Promise<unknown> =>
          (await session.query(`select id from ${odd} order by id`)).map(({ id }) => id);
        const onDay = (day: string): string => `select * from ${odd} where day = cast('${day}' as date)`;
        await session.narrowView('odd', onDay(first), [first]);
        expect(await ids()).toEqual([1n]);
        await session.narrowView('odd', onDay(second), [second]);
        expect(await ids()).toEqual([3n]);
        await session.narrowView('odd', null);
        expect(await ids()).toEqual([1n, 3n]);
      });
    });

    describe('which dates changed', () => {
      test('a written table says whether only users with new rows were concerned', async () => {
        const versionOf = (session: EngineSession): number => session.table('model', 'totals')?.version ?? -1;
        const start = await inSession(async (session) => {
          await session.replaceDates(replacement({ selects: [row(first, 1)] }));
          return versionOf(session);
        });
        const onlyNewRows = (): Promise<unknown> =>
          inSession(async (session) => (await session.changedDates('model', 'totals', start))?.onlyNewRows);
        expect(await onlyNewRows()).toBe(true);
        await replace({ dates: [first], selects: [row(first, 2)], onlyNewRows: true });
        expect(await onlyNewRows()).toBe(true);
        await replace({ dates: [first], selects: [row(first, 3)] });
        expect(await onlyNewRows()).toBe(false);
        await replace({ dates: [first], selects: [row(first, 4)], onlyNewRows: true });
        expect(await onlyNewRows()).toBe(false);
      });

      const changesFrom = (since: number): Promise<unknown> =>
        inSession((session) => session.changedDates('source', sourceName, since));
      const version = (): Promise<number> =>
        inSession((session) => Promise.resolve(session.table('source', sourceName)?.version ?? -1));

      test('appended rows, replaced rows, and rows that only moved', async () => {
        await harness.appendToSource(first, [1]);
        await harness.appendToSource(first, [2]);
        const before = await version();
        expect(await changesFrom(before)).toMatchObject({ dates: [], removed: false, addedRows: 0 });
        await harness.compactSource();
        expect(await version()).toBeGreaterThan(before);
        expect(await changesFrom(before)).toMatchObject({ dates: [], removed: false, addedRows: 0 });
        await harness.appendToSource(third, [3]);
        await harness.appendToSource(second, [4]);
        expect(await changesFrom(before)).toMatchObject({
          dates: [second, third],
          removed: false,
          addedRows: 2,
        });
        await harness.replaceInSource(second, []);
        expect(await changesFrom(before)).toMatchObject({ dates: [second, third], removed: true });
      });

      test('unknown from a version that is still to come, and once history is forgotten', async () => {
        await harness.appendToSource(first, [1]);
        const before = await version();
        expect(await changesFrom(before + 1)).toBeUndefined();
        await harness.appendToSource(first, [2]);
        await harness.forgetSourceHistory();
        expect(await changesFrom(before)).toBeUndefined();
        await inSession(async (session) => expect(await idsOf(session)).toEqual([1n, 2n]));
      });
    });

    describe('replacing', () => {
      test('makes the table when it is missing', async () => {
        await inSession(async (session) => {
          expect(session.table('model', 'totals')).toBeUndefined();
          const made = await session.replaceDates(
            replacement({
              selects: [rows([first, 1], [second, 2], [second, 3])],
              transactions: [{ appId: 'seen', version: 2n ** 60n }],
              expected: new Map([['seen', undefined]]),
            }),
          );
          expect(made).toMatchObject({ rows: 3, version: session.table('model', 'totals')?.version });
          expect(made.bytes).toBeGreaterThan(0);
        });
        await inSession((session) => {
          const table = session.table('model', 'totals');
          expect(table?.transactions.get('seen')).toBe(2n ** 60n);
          expect([...(table?.rowsByDate ?? [])]).toEqual([
            [first, 1],
            [second, 2],
          ]);
          return Promise.resolve();
        });
      });

      test('replaces exactly its dates, also by no rows, and the session sees what it wrote', async () => {
        await replace({ selects: [rows([first, 1], [second, 2], [third, 3])] });
        await inSession(async (session) => {
          await session.replaceDates(replacement({ dates: [first, second], selects: [row(second, 20)] }));
          expect(
            await session.query(`select total from ${session.relation('model', 'totals')} order by total`),
          ).toEqual([{ total: 3n }, { total: 20n }]);
        });
        expect(await contents()).toEqual([
          { day: second, total: 20n },
          { day: third, total: 3n },
        ]);
      });

      test('may read the rows that it replaces', async () => {
        await replace({ selects: [rows([first, 1], [second, 2])] });
        await inSession((session) =>
          session.replaceDates(
            replacement({
              dates: [first],
              selects: [
                `select day, total + 10 as total from ${session.relation('model', 'totals')} where day = cast('${first}' as date)`,
              ],
            }),
          ),
        );
        expect(await contents()).toEqual([
          { day: first, total: 11n },
          { day: second, total: 2n },
        ]);
      });

      test('several SELECTs are one commit', async () => {
        await replace({ selects: [row(first, 1)] });
        const before = await inSession((session) =>
          Promise.resolve(session.table('model', 'totals')?.version ?? -1),
        );
        const { version } = await inSession((session) =>
          session.replaceDates(
            replacement({ dates: [first, second], selects: [row(first, 5), row(second, 6)] }),
          ),
        );
        expect(version).toBe(before + 1);
        expect(await contents()).toEqual([
          { day: first, total: 5n },
          { day: second, total: 6n },
        ]);
      });

      test('of its dates only the rows with given keys, however often: the others stay', async () => {
        const expected = new Map([
          [first, new Set(Array.from({ length: 30 }, (_, total) => total))],
          [second, new Set([500])],
        ]);
        const all = (): [string, number][] =>
          [...expected].flatMap(([day, totals]) =>
            [...totals].map((total): [string, number] => [day, total]),
          );
        await replace({ selects: [rows(...all(), [third, 900])] });
        for (let round = 0; round < 12; round += 1) {
          const day = round % 4 === 3 ? second : first;
          const gone = round % 4 === 3 ? 500 + round - 3 : round * 2;
          const made = day === second ? gone + 4 : 100 + round;
          expected.get(day)?.delete(day === second ? 500 + Math.floor(round / 4) * 4 : gone);
          expected.get(day)?.add(made);
          await replace({
            dates: [first, second],
            selects: [row(day, made)],
            replacing: `${row(day, gone)} union all ${row(third, 900)}`,
          });
          expect(await contents()).toEqual(
            [...all(), [third, 900] as const]
              .map(([day, total]) => ({ day, total: BigInt(total) }))
              .sort((a, b) => (a.day === b.day ? Number(a.total - b.total) : a.day < b.day ? -1 : 1)),
          );
        }
      });

      test('rows beyond the dates are refused, and nothing changes', async () => {
        await replace({ selects: [rows([first, 1], [second, 2])] });
        const before = await contents();
        await expect(
          replace({
            dates: [first],
            selects: [rows([first, 5], [second, 6])],
            transactions: [{ appId: 'seen', version: 1n }],
          }),
        ).rejects.toThrow();
        expect(await contents()).toEqual(before);
        await inSession((session) => {
          expect(session.table('model', 'totals')?.transactions.has('seen')).toBe(false);
          return Promise.resolve();
        });
      });

      test('the whole table, and then with other columns', async () => {
        await replace({ selects: [rows([first, 1], [second, 2])] });
        const wider: WrittenTable = {
          ...totals,
          columns: [...totals.columns, { name: 'rate', type: 'double', description: '' }],
        };
        await inSession(
          (session) =>
            session.replaceDates(
              replacement({
                selects: [
                  `select cast('${third}' as date) as day, cast(9 as bigint) as total, cast(0.5 as double) as rate`,
                ],
              }),
            ),
          [wider],
        );
        expect(await contents()).toEqual([{ day: third, total: 9n, rate: 0.5 }]);
      });

      test('is seen by nobody who has pinned before', async () => {
        await replace({ selects: [row(first, 1)] });
        const other = harness.another();
        await inSession(
          async (reading) => {
            await replace({ dates: [first], selects: [row(first, 2)] });
            expect(await reading.query(`select total from ${reading.relation('model', 'totals')}`)).toEqual([
              { total: 1n },
            ]);
          },
          [totals],
          other,
        );
        expect(await contents(other)).toEqual([{ day: first, total: 2n }]);
        await other.close();
      });

      test('is fenced when another was faster: of two that expect the same, one commits', async () => {
        await replace({ selects: [row(first, 1)], transactions: [{ appId: 'seen', version: 1n }] });
        const move = (total: number, version: bigint): Partial<ReplaceDates> => ({
          dates: [first],
          selects: [row(first, total)],
          transactions: [{ appId: 'seen', version }],
          expected: new Map([['seen', 1n]]),
        });
        const slow = await harness.engine.openSession([totals]);
        const other = harness.another();
        await replace(move(2, 2n), other);
        await other.close();
        await expect(slow.replaceDates(replacement(move(3, 3n)))).rejects.toMatchObject({
          code: 'refresh-fenced',
          retryable: true,
        });
        await slow.close();
        expect(await contents()).toEqual([{ day: first, total: 2n }]);
      });
    });

    test('sessions and the engine are closed as often as one likes, and a closed engine opens again', async () => {
      const session = await harness.engine.openSession([totals]);
      await session.close();
      await session.close();
      await harness.engine.close();
      await harness.engine.close();
      await harness.appendToSource(first, [1]);
      await inSession(async (next) => expect(await idsOf(next)).toEqual([1n]));
    });
  });
}
