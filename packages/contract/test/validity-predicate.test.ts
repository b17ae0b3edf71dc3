import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { createContract, validityPredicate, type ContractSettings } from '@clicklake/contract';

import { damaged, recordText, text } from './support/arbitraries.ts';
import { evaluate, useDuckdb } from './support/duckdb.ts';

const appendTime = Date.UTC(2026, 5, 1, 12);
const encoder = new TextEncoder();
const duckdb = useDuckdb();
// A failure names the one text that differs: shrinking the list of texts around it would only take long.

async function compare(
  texts: readonly string[],
  settings: Partial<ContractSettings> = {},
): Promise<boolean[]> {
  const contract = createContract(settings);
  const verdicts = texts.map((value) => contract.judge(encoder.encode(value), appendTime).ok);
  const predicate = validityPredicate('duckdb', 'text', `${appendTime}::BIGINT`, settings);
  const answers = await evaluate(duckdb(), predicate, texts);
  for (const [n, value] of texts.entries()) {
    expect({ value, verdict: answers[n] }).toEqual({ value, verdict: verdicts[n] });
  }
  return verdicts;
}

describe('the SQL predicate gives the verdict of judge (contract of the package)', () => {
  it('on records that are valid or nearly', async () => {
    const seen = { accepted: 0, rejected: 0 };
    await fc.assert(
      fc.asyncProperty(fc.array(recordText, { minLength: 100, maxLength: 200 }), async (texts) => {
        for (const ok of await compare(texts)) seen[ok ? 'accepted' : 'rejected']++;
      }),
      { numRuns: 25, endOnFailure: true },
    );
    // Both verdicts must be common, or the property shows nothing.
    expect(seen.accepted).toBeGreaterThan(500);
    expect(seen.rejected).toBeGreaterThan(500);
  });

  it('on damaged records', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(damaged, { minLength: 100, maxLength: 200 }), async (texts) => {
        await compare(texts);
      }),
      { numRuns: 15, endOnFailure: true },
    );
  });

  it('on any JSON and on any text', async () => {
    const any = fc.oneof(
      fc.json({ stringUnit: 'binary' }),
      text,
      fc.string({ unit: 'binary', maxLength: 40 }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(any, { minLength: 50, maxLength: 100 }), async (texts) => {
        await compare(texts);
      }),
      { numRuns: 20, endOnFailure: true },
    );
  });

  it('under other settings', async () => {
    const settings = { maxEventAgeDays: 10_000, maxDepth: 3, maxEventBytes: 1_024 };
    await fc.assert(
      fc.asyncProperty(fc.array(recordText, { minLength: 50, maxLength: 100 }), async (texts) => {
        await compare(texts, settings);
      }),
      { numRuns: 20, endOnFailure: true },
    );
  });

  it('on texts nested a hundred thousand deep, and on NULL', async () => {
    const record = (value: string): string => `{"event_type":"page_view","user_id":"u","a":${value}}`;
    const deep = '['.repeat(100_000) + ']'.repeat(100_000);
    const deepWithLongNumber = `${'['.repeat(100_000)}12345678901234567890${']'.repeat(100_000)}`;
    const hidden = `{"event_type":"page_view","user_id":"u","a":${'['.repeat(40)}${']'.repeat(40)},"a":1}`;
    expect(await compare([deep, record(deep), record(deepWithLongNumber), hidden, record('[]')])).toEqual([
      false,
      false,
      false,
      false,
      true,
    ]);
    const reader = await duckdb().runAndReadAll(`SELECT ${validityPredicate('duckdb', 'NULL', 'NULL')}`);
    expect(reader.getRowsJS()).toEqual([[false]]);
  });
});
