import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openConnections } from '../../src/lake/connections.ts';

let duckdb: DuckDBInstance;

beforeEach(async () => {
  duckdb = await DuckDBInstance.create(':memory:');
});
afterEach(() => duckdb.closeSync());

/** A step that ends when told to, and which connection it has. */
function gate(): { step: (connection: DuckDBConnection) => Promise<DuckDBConnection>; open: () => void } {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  return { step: (connection) => promise.then(() => connection), open: () => resolve(undefined) };
}

test('nobody shares a connection, and who finds none waits for the first that is given back', async () => {
  const connections = openConnections(duckdb, 2);
  const [first, second, third] = [gate(), gate(), gate()];
  const [a, b, c] = [first, second, third].map(({ step }) => connections.use(step));
  third.open();
  second.open();
  expect(await c).toBe(await b);
  first.open();
  expect(await a).not.toBe(await b);
  await connections.close();
});

test('a step that fails gives its connection back', async () => {
  const connections = openConnections(duckdb, 1);
  await expect(connections.use((connection) => connection.run('SELECT nothing'))).rejects.toThrow('nothing');
  const reader = await connections.use((connection) =>
    connection.runAndReadAll(`SELECT current_setting('TimeZone')`),
  );
  expect(reader.getRows()).toEqual([['UTC']]);
  await connections.close();
});

test('close waits for the steps under way, and may be called again', async () => {
  const connections = openConnections(duckdb, 1);
  const { step, open } = gate();
  const asked = connections.use(step);
  const events: string[] = [];
  const closed = connections.close().then(() => events.push('closed'));
  void asked.then(() => events.push('step'));
  open();
  await closed;
  expect(events).toEqual(['step', 'closed']);
  await connections.close();
  await expect(connections.use(step)).rejects.toThrow('closed');
});

test('one that cannot be opened keeps nobody waiting', async () => {
  const connections = openConnections(duckdb, 1);
  const connect = duckdb.connect.bind(duckdb);
  let refusals = 2;
  duckdb.connect = () => (refusals-- > 0 ? Promise.reject(new Error('no more')) : connect());
  const one = (): Promise<number> => connections.use(() => Promise.resolve(1));
  expect(await Promise.allSettled([one(), one(), one()])).toMatchObject([
    { reason: { message: 'no more' } },
    { reason: { message: 'no more' } },
    { value: 1 },
  ]);
  await connections.close();
});
