import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import {
  createContract,
  duckdbColumns,
  eventFields,
  parseEventJson,
  readJsonColumns,
} from '@clicklake/contract';

import { clientEvent, recordText } from './support/arbitraries.ts';
import { clientContext } from './support/context.ts';
import { useDuckdb } from './support/duckdb.ts';

const contract = createContract();
const context = clientContext({ trustBodyIp: true });
const encoder = new TextEncoder();
const duckdb = useDuckdb();

const recordFields = eventFields.filter(({ owner }) => owner !== 'ingest');

/** The values that a canonical text states, as DuckDB's Node client hands them out. */
function statedValues(value: string): Record<string, unknown> {
  const record = JSON.parse(value) as Record<string, unknown>;
  return Object.fromEntries(
    recordFields.map(({ name, type }) => {
      const stated = record[name];
      if (stated === undefined) return [name, null];
      if (type === 'timestamp') return [name, BigInt(Date.parse(stated as string)) * 1000n];
      if (type === 'long') return [name, BigInt(stated as number)];
      if (type === 'point') {
        const { x, y } = stated as { x: number; y: number };
        return [name, { x: BigInt(x), y: BigInt(y) }];
      }
      return [name, type === 'string' ? `=${stated as string}` : stated];
    }),
  );
}

describe('the canonical text', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'contract-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  /** The rows that DuckDB reads from the lines, once directly and once through Parquet. */
  async function readBack(lines: readonly string[]): Promise<{ direct: unknown[]; parquet: unknown[] }> {
    const file = join(folder, 'lines.json');
    const parquet = join(folder, 'lines.parquet');
    await writeFile(file, lines.map((line) => `${line}\n`).join(''));
    const columns = recordFields
      .map(({ name, type }) => {
        if (type === 'timestamp') return `epoch_us(${name}) AS ${name}`;
        // The Node client drops a byte order mark at a text's start: nothing may start there.
        return type === 'string' ? `'=' || ${name} AS ${name}` : name;
      })
      .join(', ');
    const source = `read_json('${file}', format = 'newline_delimited', columns = ${readJsonColumns})`;
    const rowsOf = async (from: string): Promise<unknown[]> => {
      const reader = await duckdb().runAndReadAll(`SELECT ${columns} FROM ${from}`);
      return reader.getRowObjectsJS();
    };
    await duckdb().run(`COPY (FROM ${source}) TO '${parquet}'`);
    return { direct: await rowsOf(source), parquet: await rowsOf(`'${parquet}'`) };
  }

  it('is read by DuckDB to exactly the values it states, directly and through Parquet (S1.1)', async () => {
    const fromClient = clientEvent.map((event) => contract.prepare(event, context));
    const fromLog = recordText.map((text) => contract.judge(encoder.encode(text), context.receivedAt));
    const events = fc.array(fc.oneof(fromClient, fromLog), { minLength: 50, maxLength: 150 });
    let accepted = 0;
    await fc.assert(
      fc.asyncProperty(events, async (all) => {
        const lines = all.flatMap((prepared) => (prepared.ok ? [prepared.value] : []));
        if (lines.length === 0) return;
        const expected = lines.map(statedValues);
        const { direct, parquet } = await readBack(lines);
        expect(direct).toEqual(expected);
        expect(parquet).toEqual(expected);
        accepted += lines.length;
      }),
      { numRuns: 25, endOnFailure: true },
    );
    expect(accepted).toBeGreaterThan(500);
  });

  it('is one line', () => {
    fc.assert(
      fc.property(clientEvent, (event) => {
        const prepared = contract.prepare(event, context);
        if (prepared.ok) expect(prepared.value).not.toMatch(/[\n\r]/);
      }),
    );
  });

  it('of what a client sent is judged valid and stays as it is (S2.3: no second correction)', () => {
    fc.assert(
      fc.property(clientEvent, fc.nat(), (event, appendTime) => {
        const prepared = contract.prepare(event, context);
        if (!prepared.ok) return;
        expect(contract.judge(encoder.encode(prepared.value), appendTime)).toEqual(prepared);
      }),
      { numRuns: 500 },
    );
  });

  it('of a foreign record is judged valid and stays as it is', () => {
    fc.assert(
      fc.property(recordText, (text) => {
        const judged = contract.judge(encoder.encode(text), context.receivedAt);
        if (!judged.ok) return;
        expect(contract.judge(encoder.encode(judged.value), 0)).toEqual(judged);
      }),
      { numRuns: 1_000 },
    );
  });

  it('loses nothing that the client sent under a name of its own (S1.4)', () => {
    fc.assert(
      fc.property(clientEvent, (event) => {
        const prepared = contract.prepare(event, context);
        if (!prepared.ok) return;
        const { properties = '{}' } = JSON.parse(prepared.value) as { properties?: string };
        const kept = Object.entries(parseEventJson(properties) as object).map(([, value]) =>
          JSON.stringify(value),
        );
        const known = new Set(eventFields.map(({ name }) => name));
        const own = Object.entries(event).filter(([name]) => !known.has(name));
        const sent = Object.values(event.properties ?? {});
        for (const value of [...own.map(([, value]) => value), ...sent]) {
          expect(kept).toContain(JSON.stringify(value));
        }
        expect(kept.length).toBeGreaterThanOrEqual(own.length + sent.length);
      }),
      { numRuns: 300 },
    );
  });

  it('accepts every generated client event, so that the properties above say something', () => {
    const verdicts = fc.sample(clientEvent, 500).map((event) => contract.prepare(event, context).ok);
    expect(verdicts.filter(Boolean).length).toBeGreaterThan(250);
  });

  it('has the columns of a DuckDB table of Silver', async () => {
    const columns = duckdbColumns.map(({ name, type }) => `${name} ${type}`).join(', ');
    await duckdb().run(`CREATE TABLE silver (${columns})`);
    const reader = await duckdb().runAndReadAll(
      `SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = 'silver' ORDER BY column_index`,
    );
    expect(reader.getRowsJS()).toEqual(duckdbColumns.map(({ name, type }) => [name, type]));
  });
});

describe('prepare', () => {
  it('gives a verdict on any JSON value', () => {
    fc.assert(
      fc.property(fc.json({ stringUnit: 'binary' }), (text) => {
        const prepared = contract.prepare(parseEventJson(text), context);
        expect(typeof prepared.ok).toBe('boolean');
      }),
    );
  });
});

describe('judge', () => {
  it('gives a verdict on any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.double(), (bytes, appendTime) => {
        expect(contract.judge(bytes, appendTime).ok).toBe(false);
      }),
      { numRuns: 2_000 },
    );
  });

  it('gives a verdict whatever the append time', () => {
    const bytes = encoder.encode('{"event_type":"page_view","user_id":"u"}');
    for (const time of [NaN, Infinity, -Infinity, -1, 1e300, 0.5]) {
      expect(contract.judge(bytes, time).ok).toBe(true);
    }
  });
});
