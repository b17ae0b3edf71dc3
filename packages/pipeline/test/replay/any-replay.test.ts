import type { NewRecord } from '@clicklake/event-log';
import { placeText, type LakeOwner, type ReplayRequest } from '@clicklake/pipeline';
import { DuckDBInstance } from '@duckdb/node-api';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { silverIds } from '../harness/expectations.ts';
import { collected } from '../harness/records.ts';
import { lakeAppender, replayAll } from '../harness/replays.ts';
import { createTestLake } from '../harness/test-lake.ts';

const now = Date.now() - 60_000;

const almostEvent = fc
  .record(
    {
      event_id: fc.constantFrom('taken', 'one', 'two', '', 7, null),
      event_type: fc.constantFrom('page_view', 'purchase', 'custom', 'nonsense', 3),
      user_id: fc.constantFrom('ada', 'ben', 7, null),
      time_on_page: fc.constantFrom(12, '12', 'x', -1),
      timestamp: fc.constantFrom('2026-01-01', 'x', '1971-01-01T00:00:00Z', 1_767_225_600),
      replay_of: fc.constantFrom('clickstream-errors:0:0', 'clickstream-errors:0:1', 5),
      properties: fc.jsonValue(),
    },
    { requiredKeys: [] },
  )
  .map((event) => JSON.stringify(event));
const value = fc.oneof(
  { weight: 5, arbitrary: almostEvent },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }) },
  { weight: 1, arbitrary: fc.json({ maxDepth: 2 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('', '[', `{"a":${'['.repeat(5_000)}`, '[{"event_type":"page_view"}]'),
  },
);
const key = fc
  .record({
    reason: fc.constantFrom('wrong_type', 'malformed_json'),
    field: fc.constantFrom(null, 'time_on_page'),
    event_id: fc.constantFrom(null, 'one', 'three'),
    source_id: fc.constantFrom('web', null, 5),
    replay_of: fc.constantFrom('clickstream-errors:0:0', undefined, 'nonsense'),
  })
  .map((told) => JSON.stringify(told));
const letters = fc
  .array(
    fc.tuple(
      fc.constantFrom('clickstream-errors', 'clickstream-errors', 'clickstream-events'),
      value,
      fc.oneof(key, fc.constant(null)),
    ),
    {
      minLength: 1,
      maxLength: 14,
    },
  )
  .map((rows) =>
    rows.map(([topic, bytes, told], index): NewRecord => ({
      topic,
      key: topic === 'clickstream-errors' ? told : 'k',
      value: bytes,
      timestamp: now + index,
      judgedBy: null,
    })),
  );
const change = fc.constantFrom(
  'set event_type=page_view',
  'set user_id=cleo',
  'set user_id=@event_id',
  'cast time_on_page=integer',
  'cast timestamp=time',
  'unset timestamp',
  'unset time_on_page',
  'unset properties',
  'set event_id=fixed',
  'rename user_id=anonymous_id',
  'set properties.a.b=1',
);
const round = fc.record({
  changes: fc.array(change, { maxLength: 6 }),
  filter: fc.constantFrom({}, { notReplayed: true }, { reason: 'wrong_type' }, { eventType: 'page_view' }),
  replace: fc.option(almostEvent),
  onlyValid: fc.boolean(),
  times: fc.constantFrom(1, 2),
});

/** `replay_of` of every row of Silver that has one. */
async function origins(owner: LakeOwner): Promise<readonly string[]> {
  const pin = await owner.pin();
  const silver = pin.tables.find(({ name }) => name === 'silver')?.relationSql ?? '';
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const found = await connection.runAndReadAll(
    `SELECT replay_of FROM (${silver}) WHERE replay_of IS NOT NULL`,
  );
  connection.closeSync();
  instance.closeSync();
  pin.release();
  return found.getRows().map(([of]) => String(of));
}

it('whatever was rejected, however it is mended and how often: each record is in one place, each origin in Silver once (S8)', async () => {
  await fc.assert(
    fc.asyncProperty(letters, fc.array(round, { minLength: 1, maxLength: 4 }), async (rejected, rounds) => {
      const lake = await createTestLake();
      try {
        await lake.append([collected('taken', 'ada', now), ...rejected], 3);
        const owner = await lake.open();
        await owner.catchUp(() => undefined);
        const appender = lakeAppender(lake);
        let appended = 1 + rejected.length;
        for (const { replace, times, filter, ...mend } of rounds) {
          await using selection = await owner.selectDeadLetters({ filter, limit: 100 });
          const { places } = selection;
          const request: Partial<ReplayRequest> =
            replace === null
              ? { ...mend, select: { filter, limit: 100 } }
              : {
                  ...mend,
                  changes: [],
                  select: { events: places.map((place) => ({ place, event: replace })) },
                };
          const told = [];
          // The second time nothing of the first is committed yet.
          for (let time = 0; time < times; time += 1) {
            const dry = await replayAll(owner, appender, { ...request, dryRun: true });
            const result = await replayAll(owner, appender, request);
            expect(result).toMatchObject({ accepted: dry.accepted, rejected: dry.rejected });
            expect(result.letters.map(({ place }) => place)).toEqual(places.map(placeText));
            const records = result.letters.filter(({ record }) => record !== null);
            expect(records).toHaveLength(result.accepted + (mend.onlyValid ? 0 : result.rejected));
            appended += records.length;
            told.push(...result.letters);
          }
          await owner.catchUp(() => undefined);
          expect(await owner.ledger({ deep: true })).toMatchObject({
            appended,
            in_flight: 0,
            balanced: true,
            deep: { missing: [], repeated: [] },
          });
          const found = await origins(owner);
          expect(new Set(found).size).toBe(found.length);
          // A replay that was accepted is in Silver, or Silver has an event with its id.
          const rows = await owner.deadLetters({ limit: 1_000 });
          const replayed = new Set(rows.filter((row) => row.replayed !== null).map(placeText));
          const ids = new Set(await silverIds(owner));
          const lost = told.filter(
            ({ status, place, event_id: id }) =>
              status === 'accepted' && !replayed.has(place) && !ids.has(id ?? ''),
          );
          expect(lost).toEqual([]);
        }
        const before = await origins(owner);
        await replayAll(owner, appender, { changes: ['set user_id=zoe', 'set event_type=page_view'] });
        await owner.catchUp(() => undefined);
        expect(await origins(owner)).toEqual(expect.arrayContaining([...before]));
        expect(await owner.ledger({ deep: true })).toMatchObject({ balanced: true, in_flight: 0 });
        await owner.close();
      } finally {
        await lake.remove();
      }
    }),
    { numRuns: 12 },
  );
}, 300_000);
