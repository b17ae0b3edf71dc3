import {
  column,
  createTable,
  type DataType,
  parseStatistics,
  type Predicate,
  type PredicateValue,
  pruneFiles,
  scanSql,
  structOf,
} from '@clicklake/delta-lake';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { truncateMaximum, truncateMinimum } from '../src/data-files/statistics.ts';
import { quoteLiteral } from '../src/data-files/sql-text.ts';
import { useDuckDb } from './fixtures.ts';

const db = useDuckDb();
const utf8Order = (left: string, right: string): number =>
  Buffer.compare(Buffer.from(left), Buffer.from(right));
const awkwardCharacter = fc.constantFrom('a', '~', '\u{7f}', '\u{80}', 'é', '\uffff', '😀', '\u{10ffff}');
const longText = fc.string({
  unit: fc.oneof(awkwardCharacter, fc.string({ unit: 'binary', minLength: 1, maxLength: 1 })),
  maxLength: 80,
});

describe('truncated bounds', () => {
  test('are bounds in UTF-8 order and short', () => {
    fc.assert(
      fc.property(longText, (text) => {
        const minimum = truncateMinimum(text);
        const maximum = truncateMaximum(text);
        expect(utf8Order(minimum, text)).toBeLessThanOrEqual(0);
        expect(Array.from(minimum).length).toBeLessThanOrEqual(32);
        if (maximum === undefined) return;
        expect(utf8Order(maximum, text)).toBeGreaterThanOrEqual(0);
        expect(Array.from(maximum).length).toBeLessThanOrEqual(65);
      }),
      { numRuns: 2000 },
    );
  });

  test('follow the tie-breaker rule of the protocol', () => {
    const prefix = 'p'.repeat(32);
    expect(truncateMaximum(prefix)).toBe(prefix);
    expect(truncateMaximum(`${prefix}z`)).toBe(`${prefix}\u{7f}`);
    expect(truncateMaximum(`${prefix}é`)).toBe(`${prefix}\u{10ffff}`);
    expect(truncateMaximum(`${prefix}\u{10ffff}b`)).toBe(`${prefix}\u{10ffff}\u{7f}`);
    expect(truncateMaximum(prefix + '\u{10ffff}'.repeat(40))).toBeUndefined();
    expect(truncateMinimum('😀'.repeat(40))).toBe('😀'.repeat(32));
  });
});

const everyKind = structOf(
  column('l', 'long'),
  column('d', 'double'),
  column('f', 'float'),
  column('m', 'decimal(20,3)'),
  column('s', 'string'),
  column('day', 'date'),
  column('at', 'timestamp'),
  column('b', 'boolean'),
  column('n', structOf(column('x', 'integer'), column('y', structOf(column('z', 'string'))))),
  column('a', { type: 'array', elementType: 'long', containsNull: true }),
  column('raw', 'binary'),
);

test('statistics are what the protocol says, nested like the schema', async () => {
  const store = db.memoryStore();
  const table = await createTable(store, { schema: everyKind }, db);
  await table.append(`SELECT 9007199254740993::BIGINT AS l, 'nan'::DOUBLE AS d, 0.1::FLOAT AS f, 12.300::DECIMAL(20,3) AS m,
      repeat('x', 300) AS s, DATE '2026-01-31' AS day, TIMESTAMPTZ '2026-01-31 00:00:00.123999+00' AS at, true AS b,
      {x: 5::INTEGER, y: {z: 'deep'}} AS n, [1::BIGINT] AS a, 'r'::BLOB AS raw
    UNION ALL SELECT NULL, 1, NULL, -0.001, 'b', NULL, TIMESTAMPTZ '1969-12-31 23:59:59.999999+00', NULL, NULL, NULL, NULL`);
  const [file] = (await table.snapshot()).files.values();
  expect(file?.stats).toBe(
    JSON.stringify({
      numRecords: 2,
      minValues: {
        l: 0,
        f: 0.1,
        m: 0,
        s: 'b',
        day: '2026-01-31',
        at: '1969-12-31T23:59:59.999Z',
        n: { x: 5, y: { z: 'deep' } },
      },
      maxValues: {
        l: 0,
        f: 0.1,
        m: 0,
        s: `${'x'.repeat(32)}\u{7f}`,
        day: '2026-01-31',
        at: '2026-01-31T00:00:00.123Z',
        n: { x: 5, y: { z: 'deep' } },
      },
      nullCount: { l: 1, d: 0, f: 1, m: 0, s: 0, day: 1, at: 0, b: 1, n: { x: 1, y: { z: 1 } }, raw: 1 },
    })
      .replace('"l":0', '"l":9007199254740993')
      .replace('"l":0', '"l":9007199254740993')
      .replace('"m":0', '"m":-0.001')
      .replace('"f":0.1,"m":0', '"f":0.1,"m":12.300'),
  );
  expect(parseStatistics(file?.stats ?? null)?.minValues.l).toBe(9007199254740993n);
});

test.each([
  [{ 'delta.dataSkippingNumIndexedCols': '1' }, ['l']],
  [{ 'delta.dataSkippingNumIndexedCols': '0' }, []],
  [{ 'delta.dataSkippingStatsColumns': 'm,n.y' }, ['m', 'n']],
])('%j limits which columns get statistics', async (configuration, expected) => {
  const table = await createTable(db.memoryStore(), { schema: everyKind, configuration }, db);
  await table.append("SELECT 1::BIGINT AS l, 2::DECIMAL(20,3) AS m, {x: 5::INTEGER, y: {z: 'deep'}} AS n");
  const [file] = (await table.snapshot()).files.values();
  expect(Object.keys(parseStatistics(file?.stats ?? null)?.minValues ?? {})).toEqual(expected);
});

interface Kind {
  readonly type: DataType;
  readonly sqlType: string;
  readonly value: fc.Arbitrary<string | number | bigint | boolean>;
}

const instant = fc
  .integer({ min: -(10 ** 12), max: 10 ** 12 })
  .map(
    (micros) =>
      `${new Date(Math.floor(micros / 1000)).toISOString().slice(0, -1)}${(((micros % 1000) + 1000) % 1000).toString().padStart(3, '0')}Z`,
  );
const kinds: Readonly<Record<string, Kind>> = {
  long: {
    type: 'long',
    sqlType: 'BIGINT',
    value: fc.oneof(
      fc.bigInt({ min: -(2n ** 63n) + 1n, max: 2n ** 63n - 1n }),
      fc.bigInt({ min: -3n, max: 3n }),
    ),
  },
  double: {
    type: 'double',
    sqlType: 'DOUBLE',
    value: fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer({ min: -2, max: 2 })),
  },
  float: { type: 'float', sqlType: 'FLOAT', value: fc.float({ noNaN: true, noDefaultInfinity: true }) },
  decimal: {
    type: 'decimal(12,2)',
    sqlType: 'DECIMAL(12,2)',
    value: fc.integer({ min: -(10 ** 9), max: 10 ** 9 }).map((cents) => (cents / 100).toFixed(2)),
  },
  string: {
    type: 'string',
    sqlType: 'VARCHAR',
    value: longText.filter((text) => text.isWellFormed() && !text.includes('\0')),
  },
  date: {
    type: 'date',
    sqlType: 'DATE',
    value: fc
      .integer({ min: -1000, max: 20_000 })
      .map((days) => new Date(days * 86_400_000).toISOString().slice(0, 10)),
  },
  timestamp: { type: 'timestamp', sqlType: 'TIMESTAMPTZ', value: instant },
  boolean: { type: 'boolean', sqlType: 'BOOLEAN', value: fc.boolean() },
};

/** A value as SQL, and a predicate as SQL: what DuckDB says is the truth that pruning must not lose. */
const literal = (value: PredicateValue | null, sqlType: string): string =>
  value === null ? `CAST(NULL AS ${sqlType})` : `CAST(${quoteLiteral(String(value))} AS ${sqlType})`;

describe.each(Object.entries(kinds))('pruning by a %s', (_, kind) => {
  test.each([false, true])(
    'never loses a row that a predicate asks for (partition column: %s)',
    async (isPartition) => {
      const schema = structOf(column('id', 'long'), column('v', kind.type));
      const rows = fc.array(fc.option(kind.value, { freq: 5 }), { minLength: 1, maxLength: 3 });
      const question = fc.record({
        op: fc.constantFrom('=', '<', '<=', '>', '>=', 'in', 'is null', 'is not null'),
        values: fc.array(kind.value, { minLength: 2, maxLength: 2 }),
        // Asking for values that are there finds the edges.
        own: fc.option(fc.nat()),
      });
      const files = fc.array(rows, { minLength: 8, maxLength: 8 });
      const questions = fc.array(question, { minLength: 30, maxLength: 30 });
      await fc.assert(
        fc.asyncProperty(files, questions, async (contents, asked) => {
          const store = db.memoryStore();
          const table = await createTable(store, { schema, partitionColumns: isPartition ? ['v'] : [] }, db);
          for (const values of contents) {
            const tuples = values.map(
              (value, index) => `(${index}::BIGINT, ${literal(value, kind.sqlType)})`,
            );
            await table.append(`SELECT * FROM (VALUES ${tuples.join(', ')}) t(id, v)`);
          }
          const snapshot = await table.snapshot();
          const present = contents.flat().filter((value) => value !== null);
          for (const { op, values, own } of asked) {
            const first = own === null || present.length === 0 ? values[0] : present[own % present.length];
            const { predicate, operand } = asPredicate(op, [first ?? '', values[1] ?? ''], kind.sqlType);
            const count = `SELECT count(*) FROM (${scanSql(store, snapshot)}) WHERE v ${op} ${operand}`;
            const kept = pruneFiles(snapshot, [predicate]);
            const pruned = `SELECT count(*) FROM (${scanSql(store, snapshot, kept)}) WHERE v ${op} ${operand}`;
            expect({ op, operand, count: await db.query(pruned) }).toEqual({
              op,
              operand,
              count: await db.query(count),
            });
          }
          await table.close();
          store.close();
        }),
        { numRuns: 1 },
      );
    },
  );
});

function asPredicate(
  op: string,
  operands: PredicateValue[],
  sqlType: string,
): { predicate: Predicate; operand: string } {
  if (op === 'is null' || op === 'is not null') return { predicate: { column: 'v', op }, operand: '' };
  const texts = operands.map((value) => literal(value, sqlType));
  if (op === 'in')
    return { predicate: { column: 'v', op, values: operands }, operand: `(${texts.join(', ')})` };
  const [value = ''] = operands;
  return { predicate: { column: 'v', op: op as '=', value }, operand: texts[0] ?? '' };
}

test('pruning leaves out what cannot match', async () => {
  const store = db.memoryStore();
  const schema = structOf(
    column('id', 'long'),
    column('at', 'timestamp'),
    column('n', structOf(column('x', 'long'))),
    column('day', 'date'),
  );
  const table = await createTable(store, { schema, partitionColumns: ['day'] }, db);
  for (const [from, day] of [
    [0, '2026-01-01'],
    [10, '2026-01-01'],
    [20, '2026-01-02'],
  ] as const) {
    await table.append(
      `SELECT i AS id, TIMESTAMPTZ '2026-01-01 00:00:00+00' + INTERVAL (i) HOUR AS at, {x: i} AS n, DATE '${day}' AS day FROM range(${from}, ${from + 10}) r(i)`,
    );
  }
  const snapshot = await table.snapshot();
  const kept = (...predicates: Predicate[]): number => pruneFiles(snapshot, predicates).length;
  expect(kept()).toBe(3);
  expect(kept({ column: 'day', op: '=', value: '2026-01-01' })).toBe(2);
  expect(kept({ column: 'day', op: '=', value: '2026-01-01' }, { column: 'id', op: '>', value: 9 })).toBe(1);
  expect(kept({ column: ['n', 'x'], op: 'in', values: [3, 25] })).toBe(2);
  expect(kept({ column: 'at', op: '>', value: '2026-01-01T19:00:00.001Z' })).toBe(1);
  expect(kept({ column: 'at', op: '>', value: '2026-01-01T19:00:00.000Z' })).toBe(2);
  expect(kept({ column: 'id', op: 'is null' })).toBe(0);
  expect(kept({ column: 'id', op: '=', value: 'not a number' })).toBe(3);
  expect(kept({ column: 'unknown', op: '=', value: 1 })).toBe(3);
});
