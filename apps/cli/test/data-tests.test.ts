import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { localStore, openTable, scanSql } from '@clicklake/delta-lake';
import { nodeFileSystem } from '@clicklake/durable-files';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openShell, type Shell } from './support/fake-effects.ts';

let shell: Shell;
beforeAll(async () => {
  shell = await openShell();
});
afterAll(() => shell.close());

/** Another writer puts every row of a table in once more. */
async function repeatRowsOf(directory: string): Promise<void> {
  const duckdb = await DuckDBInstance.create(':memory:');
  const table = await openTable(localStore(directory, nodeFileSystem), { duckdb });
  await table.append(scanSql(table.store, await table.snapshot()));
  await table.close();
  duckdb.closeSync();
}

it.each([
  ['test'],
  ['refresh'],
  ['refresh', '--plan'],
  ['table', 'optimize', 'silver'],
  ['jobs', 'run', 'refresh'],
])('%s %s makes no home where none is, and says so in one line', async (...argv) => {
  const { code, stdout, stderr } = await shell.run(...argv);
  expect(code).toBeGreaterThan(0);
  expect(stdout).toBe('');
  expect(stderr).toMatch(/^error There are no tables in .* yet\.\n .*up.*\n$/);
  expect(await readdir(shell.directory)).toEqual([]);
});

it('test and refresh of a lake without events say what is missing, and make no Gold', async () => {
  const own = await openShell();
  expect((await own.run('ingest', '--until-caught-up')).code).toBe(0);
  for (const argv of [['refresh'], ['refresh', '--plan']]) {
    const { code, stderr } = await own.run(...argv);
    expect(code).toBeGreaterThan(0);
    expect(stderr).toMatch(/^error Silver has no events to make Gold from yet\.\n .*produce.*\n$/);
  }
  const tested = await own.run('test');
  expect(tested).toMatchObject({ stdout: '' });
  expect(tested.code).toBeGreaterThan(0);
  expect(tested.stderr).toMatch(/error There is no Gold table to test yet\.\n .*clicklake refresh.*\n$/);
  expect((await own.run('tables', '--json')).stdout).not.toContain('daily_aggregates');
  await own.close();
});

it('test exits with 1 while rows are wrong, and status says so until they are right (S7.5)', async () => {
  expect((await shell.run('produce', '--events', '200', '--back-fill', '--days', '2')).code).toBe(0);
  expect((await shell.run('ingest', '--until-caught-up')).code).toBe(0);
  expect((await shell.run('refresh')).code).toBe(0);
  const { stdout, code } = await shell.run('test', '--json');
  expect(JSON.parse(stdout)).toMatchObject({ passed: true });
  expect(code).toBe(0);
  expect(await shell.run('test', 'no_such_test')).toMatchObject({ code: 4 });

  await repeatRowsOf(join(shell.directory, '.clicklake/lake/user-behavior-analytics-gold/daily_aggregates'));
  const name = 'unique_daily_aggregates_date';
  const failed = await shell.run('test', name);
  expect(failed.code).toBe(1);
  expect(failed.stdout).toMatch(new RegExp(`fail +${name}`));
  expect((await shell.run('status')).stdout).toMatch(new RegExp(`fail.* ${name}`));
  expect(JSON.parse((await shell.run('status', '--json')).stdout)).toMatchObject({
    failingTests: [{ test: name, verdict: 'fail' }],
  });
  const found = await shell.run('sql', `SELECT DISTINCT test FROM test_failures`, '--csv');
  expect(found.stdout).toBe(`test\r\n${name}\r\n`);

  expect((await shell.run('refresh', '--full')).code).toBe(0);
  expect((await shell.run('test', 'daily_aggregates')).code).toBe(0);
  expect((await shell.run('status')).stdout).not.toContain(name);
});
