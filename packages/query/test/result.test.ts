import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import {
  formatCsv,
  formatJson,
  formatTable,
  openQueryEngine,
  type QueryEngine,
  type QueryResult,
} from '../src/index.ts';
import { displayWidth, truncateToWidth } from '../src/format/display-width.ts';
import { fixedPin } from './support/lake.ts';

let engine: QueryEngine;

beforeAll(async () => {
  engine = await openQueryEngine({ readableDirectories: [] });
});

afterAll(async () => {
  await engine.close();
});

function run(sql: string): Promise<QueryResult> {
  return engine.run(sql, fixedPin());
}

function result(columns: Record<string, string>, rows: QueryResult['rows'], truncated = false): QueryResult {
  return {
    columns: Object.entries(columns).map(([name, type]) => ({ name, type })),
    rows,
    rowCount: rows.length,
    truncated,
    elapsedMs: 1.6,
    pinned: { silverVersion: 3n, tailEpoch: 2 },
  };
}

describe('values as JSON', () => {
  const cases: [expression: string, value: unknown][] = [
    ['NULL', null],
    ['true', true],
    ['9007199254740991', 9007199254740991],
    ['9007199254740992', '9007199254740992'],
    ['-9007199254740993', '-9007199254740993'],
    ['170141183460469231731687303715884105727::HUGEINT', '170141183460469231731687303715884105727'],
    ['sum(1)', 1],
    ['18446744073709551615::UBIGINT', '18446744073709551615'],
    ['1.50::DECIMAL(9, 2)', '1.50'],
    ['0.1::DOUBLE', 0.1],
    ["'NaN'::DOUBLE", 'NaN'],
    ["'-Infinity'::FLOAT", '-Infinity'],
    ["'Infinity'::DOUBLE", 'Infinity'],
    ["TIMESTAMPTZ '2026-01-02 03:04:05.678+01:00'", '2026-01-02T02:04:05.678Z'],
    ["TIMESTAMPTZ '2026-01-02 03:04:05.678901Z'", '2026-01-02T03:04:05.678901Z'],
    ["TIMESTAMP '1969-12-31 23:59:59.999999'", '1969-12-31T23:59:59.999999'],
    ["TIMESTAMP 'infinity'", 'infinity'],
    ["DATE '2026-01-02'", '2026-01-02'],
    ["TIME '03:04:05'", '03:04:05'],
    ["INTERVAL '1 day 2 hours'", '1 day 02:00:00'],
    ["'\\x00\\xff'::BLOB", '00ff'],
    ["'ab'", 'ab'],
    ["'f47ac10b-58cc-4372-a567-0e02b2c3d479'::UUID", 'f47ac10b-58cc-4372-a567-0e02b2c3d479'],
    ["{'x': 1::BIGINT, 'y': NULL}", { x: 1, y: null }],
    ['[1, NULL, 3]', [1, null, 3]],
    ['[1, 2]::INTEGER[2]', [1, 2]],
    ["MAP {'k': [1]}", { k: [1] }],
    ['MAP {1: 2}', [[1, 2]]],
    ['union_value(n := 9007199254740993)', '9007199254740993'],
    ["[{'t': TIMESTAMPTZ '2026-01-01 00:00:00Z'}]", [{ t: '2026-01-01T00:00:00.000Z' }]],
    ["'[1, 2]'::JSON", '[1, 2]'],
  ];

  it.each(cases)('%s', async (expression, value) => {
    const { rows } = await run(`SELECT ${expression}`);
    expect(rows).toEqual([[value]]);
    expect(JSON.parse(JSON.stringify(rows))).toEqual([[value]]);
  });

  it('names columns and types, names that repeat included', async () => {
    const { columns } = await run("SELECT 1 AS a, 'x' AS a, {'x': 1::BIGINT} AS b");
    expect(columns.map(({ name }) => name)).toEqual(['a', 'a', 'b']);
    expect(columns.map(({ type }) => type)).toEqual(['INTEGER', 'VARCHAR', 'STRUCT("x" BIGINT)']);
  });
});

describe('formatTable', () => {
  it('aligns by display width, numbers to the right', () => {
    const table = formatTable(
      result({ name: 'VARCHAR', n: 'BIGINT' }, [
        ['東京', 5],
        ['e\u0301t\u00e9', 1234],
        ['👩‍👩‍👧 family', null],
      ]),
    );
    expect(table.split('\n')).toEqual([
      ' name      │    n',
      '───────────┼──────',
      ' 東京      │    5',
      ' e\u0301té       │ 1234',
      ' 👩‍👩‍👧 family │ null',
      '(3 rows, 2 ms)',
      '',
    ]);
  });

  it('never exceeds the width of the terminal', () => {
    const wide = result(
      { id: 'VARCHAR', text: 'VARCHAR', n: 'INTEGER' },
      [['a'.repeat(50), '東'.repeat(60), 7]],
      true,
    );
    for (const width of [10, 27, 40, 80]) {
      const lines = formatTable(wide, width).split('\n');
      expect(Math.max(...lines.map(displayWidth))).toBeLessThanOrEqual(width);
    }
    expect(formatTable(wide, 40)).toContain('…');
    expect(formatTable(wide)).toContain('東'.repeat(60));
    expect(formatTable(wide)).toContain('and more left out');
  });

  it('shows rows of many columns as blocks of lines', () => {
    const many = result(Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`column_${i}`, 'BIGINT'])), [
      Array.from({ length: 33 }, (_, i) => i),
    ]);
    const lines = formatTable(many, 80).split('\n');
    expect(lines[0]).toBe('── row 1 ──');
    expect(lines[33]).toBe('column_32 │ 32');
  });

  it('shows no columns and no rows', () => {
    expect(formatTable(result({}, []), 80)).toContain('(0 rows');
    expect(formatTable(result({ a: 'INTEGER' }, []), 80)).toBe(' a\n───\n(0 rows, 2 ms)\n');
  });

  it('lets no character drive the terminal', () => {
    const hostile = '\u001b[2J\u009b31m\u0007\r\n\t\u202e\u2066\u007f\ud800';
    const text = formatTable(result({ [hostile]: 'VARCHAR' }, [[hostile], [{ [hostile]: hostile }]]));
    expect(text.replaceAll('\n', '')).not.toMatch(
      /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\ud800]/,
    );
    expect(text).toContain('\\u001b[2J\\u009b31m\\u0007\\r\\n\\t\\u202e');
  });
});

describe('formatCsv', () => {
  it('follows RFC 4180', () => {
    const text = formatCsv(
      result({ a: 'VARCHAR', 'b "c", d': 'BIGINT' }, [
        ['plain', 1],
        ['comma, "quote"\r\nline', null],
        ['', 2],
        [' padded ', 3],
        [['list'], 4],
      ]),
    );
    expect(text).toBe(
      'a,"b ""c"", d"\r\nplain,1\r\n"comma, ""quote""\r\nline",\r\n"",2\r\n" padded ",3\r\n"[""list""]",4\r\n',
    );
  });

  it('keeps characters for a file and escapes them for a terminal', () => {
    const hostile = result({ a: 'VARCHAR' }, [['\u001b[2J']]);
    expect(formatCsv(hostile)).toBe('a\r\n\u001b[2J\r\n');
    expect(formatCsv(hostile, { escapeControls: true })).toBe('a\r\n\\u001b[2J\r\n');
  });
});

describe('formatJson', () => {
  it('is one line that reads back as the same values', () => {
    const hostile = '\u001b[2J\u009b\u202e\n"\\';
    const text = formatJson(result({ a: 'VARCHAR' }, [[hostile]]));
    expect(text.trimEnd()).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/);
    expect(JSON.parse(text)).toMatchObject({
      rows: [[hostile]],
      rowCount: 1,
      pinned: { silverVersion: 3, tailEpoch: 2 },
    });
  });
});

describe('truncateToWidth', () => {
  it('cuts between characters, at columns', () => {
    expect(truncateToWidth('東京都', 6)).toBe('東京都');
    expect(truncateToWidth('東京都', 5)).toBe('東京…');
    expect(truncateToWidth('東京都', 4)).toBe('東…');
    expect(truncateToWidth('👩‍👩‍👧x', 2)).toBe('…');
    expect(truncateToWidth('abc', 0)).toBe('');
  });
});
