import { createContract } from '@clicklake/contract';
import type { NewRecord } from '@clicklake/event-log';
import type { LakeOwner } from '@clicklake/pipeline';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silverIds } from './harness/expectations.ts';
import { collected } from './harness/records.ts';
import { createTestLake, type TestLake } from './harness/test-lake.ts';

const now = Date.now() - 60_000;
const ours = createContract().fingerprint;
const another = createContract({ maxDepth: 7 }).fingerprint;

let lake: TestLake;
beforeEach(async () => {
  lake = await createTestLake();
});
afterEach(() => lake.remove());

function event(value: string | Uint8Array, judgedBy: string | null = null, key = 'k'): NewRecord {
  return { topic: 'clickstream-events', key, value, timestamp: now, judgedBy };
}

/** Each record is in exactly one of Silver, dead letters and duplicates. */
async function expectEachOnce(owner: LakeOwner, records: number): Promise<void> {
  const ledger = await owner.ledger({ deep: true });
  expect(ledger).toMatchObject({
    appended: records,
    in_flight: 0,
    unreadable: 0,
    balanced: true,
    deep: { missing: [], repeated: [] },
  });
  expect(ledger.silver + ledger.dead_letters + ledger.duplicates).toBe(records);
}

async function ingest(records: readonly NewRecord[], perCall?: number): Promise<LakeOwner> {
  await lake.append(records, perCall ?? Math.max(1, records.length));
  const owner = await lake.open();
  await owner.catchUp(() => undefined);
  return owner;
}

const bytes = fc.uint8Array({ maxLength: 60 });
const almostEvents = fc.record(
  {
    event_id: fc.oneof(
      fc.string({ unit: 'binary', maxLength: 20 }),
      fc.constantFrom('same', 'other', '', 7, null),
    ),
    event_type: fc.constantFrom('page_view', 'purchase', 'custom', 'nonsense', 3),
    event_name: fc.oneof(fc.string(), fc.constant(null)),
    user_id: fc.oneof(fc.string({ unit: 'binary' }), fc.constant(undefined)),
    timestamp: fc.oneof(fc.constantFrom('2026-01-01', 'x', '1970-01-01T00:00:00Z'), fc.string()),
    time_on_page: fc.oneof(fc.integer(), fc.double(), fc.bigInt().map(String)),
    click_coordinates: fc.oneof(fc.record({ x: fc.integer(), y: fc.integer() }), fc.jsonValue()),
    properties: fc.jsonValue(),
    $p: fc.integer(),
    $o: fc.jsonValue(),
    log_offset: fc.integer(),
    __proto__: fc.string(),
  },
  { requiredKeys: [] },
);
const values = fc.oneof(
  bytes,
  fc.json({ maxDepth: 3 }),
  fc.json({ maxDepth: 3 }).map((text) => ` \r\n${text}\n`),
  almostEvents.map((value) => JSON.stringify(value)),
  almostEvents.map((value) => JSON.stringify(value, null, 1)),
  fc.constantFrom(
    '',
    ' ',
    '\n',
    '{}',
    '[]',
    'null',
    '{}{}',
    '{"a":1}\n{"b":2}',
    '\ufeff{}',
    '{"event_id":"x"',
  ),
);
const records = fc
  .tuple(
    values,
    fc.constantFrom(null, ours, another, 'no such fingerprint'),
    fc.constantFrom(null, 'k', 'l', 'm'),
    fc.constantFrom<NewRecord['topic'][]>('clickstream-events', 'clickstream-events', 'clickstream-errors'),
  )
  .map(([value, judgedBy, key, topic]): NewRecord => ({ topic, key, value, timestamp: now, judgedBy }));

describe('whatever stands in the log', () => {
  it('each record ends in exactly one place, whatever its bytes and whoever claims to have judged it', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(records, { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 1, max: 60 }),
        async (input, perCall) => {
          const own = await createTestLake();
          try {
            // Events that are as they should be stand among the others, and must not be harmed.
            const good = Array.from({ length: 9 }, (_, index) =>
              collected(`good-${index}`, `u${index}`, now),
            );
            const mixed = input.flatMap((record, index) => [record, ...good.slice(index, index + 1)]);
            await own.append(mixed, perCall);
            const owner = await own.open();
            await owner.catchUp(() => undefined);
            await expectEachOnce(owner, mixed.length);
            const expected = good.slice(0, input.length).map((_, index) => `good-${index}`);
            expect(await silverIds(owner)).toEqual(expect.arrayContaining(expected));
            await owner.close();
          } finally {
            await own.remove();
          }
        },
      ),
      { numRuns: 15 },
    );
  });

  it('what is valid is stored with its own coordinates', async () => {
    const text = (id: string, extra: object): string =>
      JSON.stringify({ event_id: id, event_type: 'page_view', user_id: 'u', ...extra });
    const owner = await ingest([
      event(text('pretty', {}).replaceAll(',', ',\n ')),
      event(text('coordinates', { $p: 2, $o: 4711, log_offset: 9, log_partition: 2 })),
      event(text('numbers', { big: 0 }).replace('"big":0', '"big":123456789012345678901234567890')),
      event(text('proto', {}).replace('{', '{"__proto__":{"a":1},')),
      event(text('mine', {}), another),
    ]);
    await expectEachOnce(owner, 5);
    expect((await silverIds(owner)).toSorted()).toEqual([
      'coordinates',
      'mine',
      'numbers',
      'pretty',
      'proto',
    ]);
    const opened = await lake.tables();
    const snapshot = await opened.tables.silver.snapshot();
    const files = [...snapshot.files.keys()].map((path) => `'${opened.tables.silver.store.location(path)}'`);
    const rows = await opened.connection.runAndReadAll(
      `SELECT event_id, log_offset, properties FROM read_parquet([${files.join(', ')}]) ORDER BY log_offset`,
    );
    await opened.close();
    const found = rows
      .getRows()
      .map(([id, offset, properties]) => [id, offset, JSON.parse(String(properties ?? '{}'))] as const);
    expect(found.map(([id, offset]) => [id, offset])).toEqual([
      ['pretty', 0n],
      ['coordinates', 1n],
      ['numbers', 2n],
      ['proto', 3n],
      ['mine', 4n],
    ]);
    expect(found[1]?.[2]).toMatchObject({ $p: 2, $o: 4711 });
    expect(String(rows.getRows()[2]?.[2])).toContain('123456789012345678901234567890');
    await owner.close();
  });

  it('a copied fingerprint harms nobody: the tick judges for itself', async () => {
    const forged = [
      '',
      '{}',
      'garbage',
      '{"event_id":"two"}\n{"event_id":"lines"}',
      `{"$p":0,"$o":0,"event_id":"liar"}`,
      '{"event_id":"deep","properties":"x","timestamp":"not a time"}',
      `{"event_id":"long","user_id":"${'x'.repeat(300_000)}"}`,
      '{"event_id":"NaN","time_on_page":NaN,}',
    ];
    const good = Array.from({ length: 20 }, (_, index) => collected(`good-${index}`, 'k', now));
    const owner = await ingest([
      ...good.slice(0, 10),
      ...forged.map((value) => event(value, ours)),
      ...good.slice(10),
    ]);
    await expectEachOnce(owner, good.length + forged.length);
    expect((await silverIds(owner)).toSorted()).toEqual(good.map((_, index) => `good-${index}`).toSorted());
    const dead = await owner.deadLetters({ limit: 100 });
    expect(dead.map(({ raw }) => raw).toSorted()).toEqual([...forged].toSorted());
    await owner.close();
  });

  it('the errors topic keeps exact bytes and whatever the key says', async () => {
    const raws = [Buffer.from([0, 255, 10, 13]), Buffer.from(''), Buffer.from('\u0000é\ud83d\ude00')];
    const keys = ['{"reason":"too_large","message":"a\\u0000b","event_id":"x"}', 'not json', null];
    const owner = await ingest(
      raws.map((value, index) => ({
        topic: 'clickstream-errors',
        key: keys[index] ?? null,
        value,
        timestamp: now + index,
        judgedBy: null,
      })),
    );
    await expectEachOnce(owner, 3);
    const found = await Promise.all(
      raws.map((_, offset) => owner.deadLetter('clickstream-errors', 0, offset)),
    );
    expect(found.map((row) => Buffer.from(row?.raw ?? '', row?.rawEncoding).toString('hex'))).toEqual(
      raws.map((raw) => raw.toString('hex')),
    );
    expect(found[0]).toMatchObject({ reason: 'too_large', message: 'a\u0000b', event_id: 'x' });
    expect(found[1]?.reason).toBe('unknown');
    await owner.close();
  });
});
