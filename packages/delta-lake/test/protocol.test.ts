import { column, createTable, openTable, structOf } from '@clicklake/delta-lake';
import { describe, expect, test } from 'vitest';
import { requireReadable, requireWritable } from '../src/log/protocol.ts';
import { parseInterval, parseTableProperties } from '../src/log/table-properties.ts';
import { parseSchema, serializeSchema } from '../src/schema/schema.ts';
import { events, rowsOfDay, useDuckDb } from './fixtures.ts';

const db = useDuckDb();
const schema = structOf(column('id', 'long'));
const metadata = {
  id: 'x',
  name: null,
  description: null,
  schemaString: serializeSchema(schema),
  partitionColumns: [],
  configuration: {},
  createdTime: 0,
};

describe('what we do not know is refused by its name', () => {
  test.each([
    [{ minReaderVersion: 4, minWriterVersion: 7 }, 'reader version 4'],
    [
      {
        minReaderVersion: 3,
        minWriterVersion: 7,
        readerFeatures: ['deletionVectors', 'v2Checkpoint'],
        writerFeatures: [],
      },
      'deletionVectors, v2Checkpoint',
    ],
    [
      {
        minReaderVersion: 3,
        minWriterVersion: 7,
        readerFeatures: ['timestampNtz', 'variantType'],
        writerFeatures: [],
      },
      'variantType',
    ],
  ])('to read: %j', (protocol, named) => {
    expect(() => requireReadable(protocol, metadata)).toThrow(named);
  });

  test('columnMapping is readable only while it maps nothing', () => {
    const protocol = { minReaderVersion: 2, minWriterVersion: 5 };
    expect(() => requireReadable(protocol, metadata)).not.toThrow();
    const mapped = { ...metadata, configuration: { 'delta.columnMapping.mode': 'name' } };
    expect(() => requireReadable(protocol, mapped)).toThrow('columnMapping (name)');
  });

  test.each([
    [{ minReaderVersion: 1, minWriterVersion: 3 }, 'checkConstraints'],
    [{ minReaderVersion: 1, minWriterVersion: 4 }, 'changeDataFeed and generatedColumns'],
    [{ minReaderVersion: 2, minWriterVersion: 5 }, 'columnMapping'],
    [
      { minReaderVersion: 1, minWriterVersion: 7, writerFeatures: ['rowTracking', 'domainMetadata'] },
      'rowTracking, domainMetadata',
    ],
    [{ minReaderVersion: 1, minWriterVersion: 9 }, 'writer version 9'],
  ])('to write: %j', (protocol, named) => {
    expect(() => requireWritable(protocol, metadata, schema)).toThrow(named);
  });

  test('delta.invariants anywhere in the schema', () => {
    const invariant = { 'delta.invariants': '{"expression":{"expression":"x > 3"}}' };
    const nested = structOf(
      column('id', 'long'),
      column('list', {
        type: 'array',
        elementType: structOf(column('x', 'long', invariant)),
        containsNull: true,
      }),
    );
    expect(() => requireWritable({ minReaderVersion: 1, minWriterVersion: 2 }, metadata, nested)).toThrow(
      'delta.invariants on list.element.x',
    );
  });

  test('a table that somebody upgrades while we have it open', async () => {
    const store = db.memoryStore();
    const table = await createTable(store, events, db);
    const upgrade =
      '{"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["deletionVectors"],"writerFeatures":["deletionVectors"]}}\n';
    await store.putIfAbsent('_delta_log/00000000000000000001.json', Buffer.from(upgrade));
    await expect(table.append(rowsOfDay('2026-01-01', 0, 1))).rejects.toMatchObject({
      code: 'delta-unsupported-reader',
      message: expect.stringContaining('deletionVectors') as string,
    });
    await expect(openTable(store, db)).rejects.toMatchObject({ code: 'delta-unsupported-reader' });
  });

  test.each([
    's3://bucket/x.parquet',
    '/elsewhere/x.parquet',
    'day=1/../../x.parquet',
    'day=1/%2E%2E/..%2Fx.parquet',
    '%2Felsewhere/x.parquet',
  ])('a file outside of the table: %s', async (path) => {
    const store = db.memoryStore();
    await createTable(store, events, db);
    const foreign = `{"add":{"path":"${path}","partitionValues":{},"size":1,"modificationTime":0,"dataChange":true}}\n`;
    await store.putIfAbsent('_delta_log/00000000000000000001.json', Buffer.from(foreign));
    await expect(openTable(store, db)).rejects.toMatchObject({
      code: 'delta-unsupported-reader',
      details: { path },
    });
  });
});

test('unknown actions and fields of other writers are ignored', async () => {
  const store = db.memoryStore();
  await createTable(store, events, db);
  const lines = [
    '{"cdc":{"path":"_change_data/x","size":1}}',
    '{"brandNew":{"x":1}}',
    '{"txn":{"appId":"spark","version":9223372036854775807,"lastUpdated":5,"more":true}}',
    '{"add":{"path":"x.parquet","partitionValues":{"day":""},"size":1,"modificationTime":0,"dataChange":true,"tags":{"a":"b"},"baseRowId":4}}',
  ];
  await store.putIfAbsent('_delta_log/00000000000000000001.json', Buffer.from(lines.join('\n')));
  const snapshot = await (await openTable(store, db)).snapshot();
  expect(snapshot.transactions.get('spark')).toBe(9223372036854775807n);
  expect(snapshot.files.get('x.parquet')).toMatchObject({ partitionValues: { day: null }, tags: { a: 'b' } });
});

test('table properties: defaults of the protocol, intervals, and a clear word about nonsense', () => {
  expect(parseTableProperties({})).toMatchObject({
    checkpointInterval: 10,
    logRetentionMs: 30 * 86_400_000,
    deletedFileRetentionMs: 7 * 86_400_000,
    numIndexedColumns: 32,
    appendOnly: false,
  });
  expect(parseInterval('interval 1 week 2 days')).toBe(9 * 86_400_000);
  expect(parseInterval('36 HOURS')).toBe(129_600_000);
  for (const nonsense of ['', 'interval', '7', 'seven days', '1 month', '-1 days'])
    expect(parseInterval(nonsense)).toBeUndefined();
  expect(
    parseTableProperties({ 'delta.dataSkippingStatsColumns': 'a, b.c, `odd,name`' }).statsColumns,
  ).toEqual(['a', 'b.c', 'odd,name']);
  expect(() => parseTableProperties({ 'delta.appendOnly': 'yes' })).toThrow('delta.appendOnly');
});

test('schemas survive serialisation with the metadata that others put into them', () => {
  const text =
    '{"type":"struct","fields":[{"name":"a","type":{"type":"map","keyType":"string","valueType":{"type":"array","elementType":"decimal(38,18)","containsNull":false},"valueContainsNull":true},"nullable":false,"metadata":{"comment":"ä"}}]}';
  expect(serializeSchema(parseSchema(text))).toBe(text);
  expect(() =>
    parseSchema('{"type":"struct","fields":[{"name":"v","type":"variant","nullable":true,"metadata":{}}]}'),
  ).toThrow('variant');
});
