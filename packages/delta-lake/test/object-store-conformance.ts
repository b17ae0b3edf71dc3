import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DuckDBInstance } from '@duckdb/node-api';
import { type ObjectStore, quoteLiteral } from '@clicklake/delta-lake';
import { describe, expect, test } from 'vitest';

/** What an adapter hands to the suite: a fresh, empty store for each test. */
export interface StoreUnderTest {
  readonly store: ObjectStore;
  /** Another client of the same objects, as a second process would have; the same one if there can be none. */
  readonly other: ObjectStore;
  dispose(): Promise<void>;
}

/** Every `ObjectStore` passes this suite; its contract is the port's doc comments. */
export function objectStoreConformance(
  name: string,
  open: () => Promise<StoreUnderTest>,
  duckdb: () => DuckDBInstance,
): void {
  const withStore = (run: (subject: StoreUnderTest) => Promise<void>) => async () => {
    const subject = await open();
    try {
      await run(subject);
    } finally {
      await subject.dispose();
    }
  };

  describe(`${name} keeps the contract of ObjectStore`, () => {
    test(
      'get returns what put stored; a second put replaces it',
      withStore(async ({ store, other }) => {
        await store.put('a/b.json', Buffer.from('one'));
        expect((await other.get('a/b.json')).toString()).toBe('one');
        await other.put('a/b.json', Buffer.from('two'));
        expect((await store.get('a/b.json')).toString()).toBe('two');
      }),
    );

    test(
      'get of an absent key is store-not-found',
      withStore(async ({ store }) => {
        await expect(store.get('nothing/here')).rejects.toMatchObject({ code: 'store-not-found' });
      }),
    );

    test(
      'what was put does not change with the caller’s buffer',
      withStore(async ({ store }) => {
        const bytes = Buffer.from('one');
        await store.put('k', bytes);
        bytes.write('two');
        expect((await store.get('k')).toString()).toBe('one');
      }),
    );

    test(
      'putIfAbsent: the first wins and its bytes stay',
      withStore(async ({ store, other }) => {
        expect(await store.putIfAbsent('_delta_log/0.json', Buffer.from('first'))).toBe(true);
        expect(await other.putIfAbsent('_delta_log/0.json', Buffer.from('second'))).toBe(false);
        expect((await store.get('_delta_log/0.json')).toString()).toBe('first');
      }),
    );

    test(
      'of many concurrent putIfAbsent exactly one wins',
      withStore(async ({ store, other }) => {
        const bodies = Array.from({ length: 20 }, (_, index) => `writer ${index}`);
        const won = await Promise.all(
          bodies.map((body, index) =>
            (index % 2 === 0 ? store : other).putIfAbsent('race.json', Buffer.from(body)),
          ),
        );
        const winners = bodies.filter((_, index) => won[index]);
        expect(winners).toEqual([(await store.get('race.json')).toString()]);
      }),
    );

    test(
      'a removed key is absent and may be put again',
      withStore(async ({ store }) => {
        await store.put('x/1', Buffer.from('1'));
        await store.put('x/2', Buffer.from('2'));
        await store.remove(['x/1', 'x/2', 'x/never']);
        expect(await store.head('x/1')).toBeUndefined();
        expect(await store.putIfAbsent('x/1', Buffer.from('again'))).toBe(true);
      }),
    );

    test(
      'head tells size and time, and nothing of a prefix',
      withStore(async ({ store }) => {
        const before = Date.now() - 5000;
        await store.put('dir/file', Buffer.from('12345'));
        const found = await store.head('dir/file');
        expect(found).toMatchObject({ key: 'dir/file', size: 5 });
        expect(found?.modifiedMs).toBeGreaterThan(before);
        expect(await store.head('dir')).toBeUndefined();
        expect(await store.head('absent')).toBeUndefined();
      }),
    );

    test(
      'list yields every key with the prefix, in byte order, with sizes',
      withStore(async ({ store }) => {
        const keys = ['a', 'a-b', 'a/x', 'a/y/z', 'ab', 'b/1', 'é/1', '𐀀', 'ｚ'];
        // `a` cannot be an object and a directory on a disk.
        const stored = keys.filter((key) => key !== 'a');
        for (const key of stored) await store.put(key, Buffer.from(key));
        const byBytes = stored.toSorted((left, right) =>
          Buffer.compare(Buffer.from(left), Buffer.from(right)),
        );
        expect(await keysOf(store.list(''))).toEqual(byBytes);
        expect(await keysOf(store.list('a/'))).toEqual(['a/x', 'a/y/z']);
        expect(await keysOf(store.list('a/y'))).toEqual(['a/y/z']);
        expect(await keysOf(store.list('a'))).toEqual(['a-b', 'a/x', 'a/y/z', 'ab']);
        expect(await keysOf(store.list('nothing/'))).toEqual([]);
      }),
    );

    test(
      'list goes on after a key, whether that exists or not',
      withStore(async ({ store }) => {
        for (const key of ['l/01.json', 'l/02.json', 'l/03.json', 'm/1'])
          await store.put(key, Buffer.from(''));
        expect(await keysOf(store.list('l/', 'l/02.json'))).toEqual(['l/03.json']);
        expect(await keysOf(store.list('l/', 'l/02'))).toEqual(['l/02.json', 'l/03.json']);
        expect(await keysOf(store.list('', 'l/02.json'))).toEqual(['l/03.json', 'm/1']);
        expect(await keysOf(store.list('l/', 'z'))).toEqual([]);
      }),
    );

    test(
      'adopted files lie under their keys and are gone from staging; staging is in no listing of data',
      withStore(async ({ store, other }) => {
        const staging = await store.createStaging();
        const localPath = join(staging, 'file.bin');
        await writeFile(localPath, 'content');
        const [stored] = await store.adopt([{ localPath, key: 'p=1/part.bin' }]);
        expect(stored).toMatchObject({ key: 'p=1/part.bin', size: 7 });
        expect((await other.get('p=1/part.bin')).toString()).toBe('content');
        await store.discardStaging(staging);
        await store.discardStaging(staging);
        expect((await keysOf(store.list(''))).filter((key) => !key.startsWith('_'))).toEqual([
          'p=1/part.bin',
        ]);
      }),
    );

    test(
      'DuckDB writes into staging and reads from the location, whatever the key’s characters',
      withStore(async ({ store }) => {
        const connection = await duckdb().connect();
        const staging = await store.createStaging();
        const localPath = join(staging, 'file.parquet');
        await connection.run(`COPY (SELECT 42 AS answer) TO ${quoteLiteral(localPath)} (FORMAT parquet)`);
        await store.adopt([{ localPath, key: 'p=a%20b%2F%27/part.parquet' }]);
        const rows = await connection.runAndReadAll(
          `SELECT answer FROM read_parquet(${quoteLiteral(store.location('p=a%20b%2F%27/part.parquet'))})`,
        );
        expect(rows.getRowsJson()).toEqual([[42]]);
        await store.discardStaging(staging);
        connection.closeSync();
      }),
    );

    test(
      'an object that was put can be read by DuckDB too',
      withStore(async ({ store }) => {
        await store.put('_delta_log/x.json', Buffer.from('{"a":1}\n'));
        const connection = await duckdb().connect();
        const rows = await connection.runAndReadAll(
          `SELECT a FROM read_json(${quoteLiteral(store.location('_delta_log/x.json'))})`,
        );
        expect(rows.getRowsJson()).toEqual([['1']]);
        connection.closeSync();
      }),
    );
  });
}

async function keysOf(objects: AsyncIterable<{ readonly key: string }>): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of objects) keys.push(key);
  return keys;
}
