import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { openInstance } from '../src/engine/instance.ts';
import { openTestLake, type TestLake } from './support/lake.ts';

/** The second line of defence (S6.4): what DuckDB itself refuses, should the judge ever be passed. */
describe('the instance for user SQL', () => {
  let lake: TestLake;
  let outside: string;
  let instance: DuckDBInstance;
  let tailConnection: DuckDBConnection;
  let connection: DuckDBConnection;

  beforeAll(async () => {
    lake = await openTestLake();
    await lake.writeFile(0, 3);
    // A sibling whose name begins like the readable directory's.
    outside = path.join(lake.directory, 'lake-secrets');
    await mkdir(outside);
    await writeFile(path.join(outside, 'token.txt'), 'token');
    ({ instance, tailConnection } = await openInstance({
      memoryLimitMb: 64,
      threads: 1,
      tempDirectory: undefined,
      maxTempDirectoryMb: 0,
      readableDirectories: [path.join(lake.directory, 'lake')],
    }));
    connection = await instance.connect();
  });

  afterAll(async () => {
    connection.closeSync();
    tailConnection.closeSync();
    instance.closeSync();
    await lake.close();
  });

  it('caches metadata of the tables’ files, and none of the tail’s, which are read once', async () => {
    const cached = async (own: DuckDBConnection): Promise<unknown> =>
      (await own.runAndReadAll(`SELECT current_setting('parquet_metadata_cache')`)).getRows()[0]?.[0];
    expect(await cached(connection)).toBe(true);
    expect(await cached(tailConnection)).toBe(false);
  });

  it.each([
    ["FROM read_text('@/token.txt')", /permission|access/i],
    ["FROM read_text('/etc/passwd')", /permission|access/i],
    ["FROM glob('@/*')", /permission|access|disabled/i],
    ["COPY (SELECT 1) TO '@/out.csv'", /permission|access/i],
    ["ATTACH '@/out.db'", /permission|access/i],
    ['INSTALL httpfs', /permission|access|disabled/i],
    ["LOAD '@/x.duckdb_extension'", /permission|access|disabled/i],
    ['SET enable_external_access = true', /lock|cannot/i],
    ["SET allowed_directories = ['/']", /lock|cannot/i],
    ["SET memory_limit = '10GB'", /lock/i],
    ['SET lock_configuration = false', /lock/i],
    ["SET TimeZone = 'Europe/Paris'", /lock/i],
  ])('refuses %s', async (statement, reason) => {
    await expect(connection.run(statement.replaceAll('@', outside))).rejects.toThrow(reason);
    expect(await readdir(outside)).toEqual(['token.txt']);
  });

  it('reads the files of our relations', async () => {
    const reader = await connection.runAndReadAll(`SELECT count(*) FROM '${lake.filesDirectory}/*.parquet'`);
    expect(reader.getRows()).toEqual([[3n]]);
  });
});
