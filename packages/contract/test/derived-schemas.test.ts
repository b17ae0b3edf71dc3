import { fileURLToPath } from 'node:url';

import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { format, resolveConfig } from 'prettier';
import { describe, expect, expectTypeOf, it } from 'vitest';

import {
  createContract,
  deadLetterDeltaSchema,
  deadLetterFields,
  deltaSchema,
  deltaSchemaString,
  duckdbColumns,
  duckdbColumnsOf,
  duplicateFields,
  eventFields,
  jsonSchema,
  readJsonColumns,
  rowHashColumns,
  sparkDdl,
  sparkRecordDdl,
  type ClickEvent,
  type eventTypes,
  type Point,
  type RecordValue,
} from '@clicklake/contract';

import { eventPage } from './support/event-page.ts';
import { clientEvent, timeText } from './support/arbitraries.ts';
import { clientContext } from './support/context.ts';

// Files that are derived from the code: `vitest -u` writes them anew, as Prettier would leave them.
describe('generated files are up to date', () => {
  const files: [file: string, text: string][] = [
    ['schema/event.schema.json', JSON.stringify(jsonSchema)],
    ['schema/silver.delta.json', JSON.stringify(deltaSchema)],
    ['docs/event.md', eventPage()],
  ];

  it.each(files)('%s', async (file, text) => {
    const path = fileURLToPath(new URL(`../${file}`, import.meta.url));
    const formatted = await format(text, { ...(await resolveConfig(path)), filepath: path });
    await expect(formatted).toMatchFileSnapshot(path);
  });
});

describe('the field list', () => {
  it('has the columns of Silver in the agreed order (S2.1)', () => {
    expect(eventFields.map(({ name }) => name).join(' ')).toBe(
      'event_id user_id anonymous_id session_id event_type event_name product_id timestamp page_url user_agent ' +
        'ip_address device_type browser os country referrer screen_resolution time_on_page scroll_depth ' +
        'click_coordinates properties sent_at client_timestamp received_at processing_timestamp event_date ' +
        'source_id is_bot replay_of schema_version log_topic log_partition log_offset',
    );
  });

  it('says of each string how long it may be, unless it is bounded otherwise', () => {
    const unbounded = eventFields.filter(
      ({ type, maxBytes, owner }) => type === 'string' && maxBytes === undefined && owner !== 'ingest',
    );
    expect(unbounded.map(({ name }) => name)).toEqual(['event_type', 'properties']);
  });

  it('gives the row hash all but what differs from run to run (S9)', () => {
    const names = new Set(rowHashColumns());
    const left = eventFields.map(({ name }) => name).filter((name) => !names.has(name));
    expect(left).toEqual(['received_at', 'processing_timestamp', 'log_topic', 'log_partition', 'log_offset']);
  });
});

describe('storage schemas', () => {
  it('are Delta’s schemaString', () => {
    expect(JSON.parse(deltaSchemaString)).toEqual(deltaSchema);
    expect(deltaSchema.fields.map(({ name }) => name)).toEqual(eventFields.map(({ name }) => name));
    for (const field of deltaSchema.fields) {
      expect(Object.keys(field)).toEqual(['name', 'type', 'nullable', 'metadata']);
      expect(field.nullable).toBe(true);
    }
    const types = Object.fromEntries(deltaSchema.fields.map(({ name, type }) => [name, type]));
    expect(types).toMatchObject({
      event_id: 'string',
      time_on_page: 'long',
      scroll_depth: 'integer',
      is_bot: 'boolean',
      timestamp: 'timestamp',
      event_date: 'date',
      log_offset: 'long',
    });
    expect(types.click_coordinates).toEqual({
      type: 'struct',
      fields: [
        { name: 'x', type: 'long', nullable: true, metadata: {} },
        { name: 'y', type: 'long', nullable: true, metadata: {} },
      ],
    });
  });

  it('are DuckDB’s and Spark’s, of the same columns', () => {
    expect(duckdbColumns.map(({ name }) => name)).toEqual(eventFields.map(({ name }) => name));
    expect(duckdbColumns.find(({ name }) => name === 'timestamp')?.type).toBe('TIMESTAMP WITH TIME ZONE');
    expect(sparkDdl.split(/, (?=[a-z_]+ [A-Z])/).map((column) => column.split(' ')[0])).toEqual(
      eventFields.map(({ name }) => name),
    );
    expect(sparkDdl).toContain('click_coordinates STRUCT<x: BIGINT, y: BIGINT>, properties STRING');
    for (const recordSchema of [sparkRecordDdl, readJsonColumns]) {
      expect(recordSchema).toContain('received_at');
      expect(recordSchema).not.toMatch(/processing_timestamp|event_date|log_/);
    }
  });

  it('cover the tables beside Silver (S1.3, S4.1)', () => {
    expect(deadLetterFields.map(({ name }) => name).join(' ')).toBe(
      'topic partition offset received_at reason field message event_id source_id raw event_date replay_of judged_by',
    );
    expect(deadLetterDeltaSchema.fields.find(({ name }) => name === 'raw')?.type).toBe('binary');
    expect(duckdbColumnsOf(deadLetterFields)).toContainEqual({ name: 'raw', type: 'BLOB' });
    expect(duplicateFields.map(({ name }) => name).join(' ')).toBe(
      'event_id log_topic log_partition log_offset received_at first_topic first_partition first_offset event_date',
    );
  });
});

describe('the JSON Schema', () => {
  const validate = new Ajv2020({ strict: true, allowUnionTypes: true, strictRequired: false }).compile(
    jsonSchema,
  );
  const contract = createContract();
  const context = clientContext();

  it('refuses nothing that the contract accepts', () => {
    const event = fc.tuple(clientEvent, timeText).map(([fields, timestamp]) => ({ ...fields, timestamp }));
    fc.assert(
      fc.property(fc.oneof(clientEvent, event, fc.jsonValue()), (value) => {
        if (contract.prepare(value, context).ok)
          expect(validate(value), JSON.stringify(validate.errors)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    {},
    { event_type: 'page_view' },
    { event_type: 'page_view', user_id: null },
    { event_type: 'nope', user_id: 'u' },
    { event_type: 'custom', user_id: 'u' },
    { event_type: 'page_view', user_id: 1 },
    { event_type: 'page_view', user_id: 'u', time_on_page: '12' },
    { event_type: 'page_view', user_id: 'u', scroll_depth: 101 },
    { event_type: 'page_view', user_id: 'u', timestamp: 1 },
    { event_type: 'page_view', user_id: 'u', timestamp: '2026-06-01' },
    { event_type: 'page_view', user_id: 'u', click_coordinates: { x: 1 } },
    { event_type: 'page_view', user_id: 'u', properties: '{}' },
  ])('refuses %j, as the contract does', (event) => {
    expect(validate(event)).toBe(false);
    expect(contract.prepare(event, context).ok).toBe(false);
  });
});

describe('the types', () => {
  it('are derived from the field list', () => {
    expectTypeOf<ClickEvent['event_type']>().toEqualTypeOf<(typeof eventTypes)[number]>();
    expectTypeOf<{ event_type: 'page_view'; user_id: string; extra: number[] }>().toExtend<ClickEvent>();
    expectTypeOf<{ event_type: 'page_view'; scroll_depth: string }>().not.toExtend<ClickEvent>();
    expectTypeOf<RecordValue['click_coordinates']>().toEqualTypeOf<Point | undefined>();
    expectTypeOf<RecordValue['is_bot']>().toEqualTypeOf<boolean | undefined>();
    expectTypeOf<RecordValue>().not.toHaveProperty('log_offset');
  });
});
