import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clicklake } from './support/command.ts';

interface Action {
  readonly metaData?: {
    readonly partitionColumns: readonly string[];
    readonly configuration: Readonly<Record<string, string>>;
  };
  readonly protocol?: object;
  readonly add?: { readonly path: string };
}

let directory: string;
let log: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'clicklake-silver-'));
  log = join(directory, '.clicklake/lake/user-behavior-analytics-silver/clickstream/delta/_delta_log');
  expect(await clicklake(directory, 'produce', '--events', '50', '--back-fill', '--days', '1')).toMatchObject(
    {
      code: 0,
    },
  );
  expect(await clicklake(directory, 'ingest', '--until-caught-up')).toMatchObject({ code: 0 });
});
afterAll(() => rm(directory, { recursive: true, force: true }));

async function entries(): Promise<readonly string[]> {
  return (await readdir(log)).filter((name) => name.endsWith('.json')).toSorted();
}

async function actionsOf(entry: string): Promise<readonly Action[]> {
  const text = await readFile(join(log, entry), 'utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Action);
}

describe('Silver, as its log tells every reader', () => {
  it('lies at its public path, by event_date, with the properties of S4.5, for any reader of protocol 1', async () => {
    const actions = await actionsOf('00000000000000000000.json');
    const metaData = actions.find((action) => action.metaData !== undefined)?.metaData;
    expect(metaData?.partitionColumns).toEqual(['event_date']);
    expect(metaData?.configuration).toMatchObject({
      'delta.checkpointInterval': '360',
      'delta.logRetentionDuration': 'interval 7 days',
      'delta.deletedFileRetentionDuration': 'interval 2 days',
    });
    expect(actions.find((action) => action.protocol !== undefined)?.protocol).toMatchObject({
      minReaderVersion: 1,
      minWriterVersion: 2,
    });
  });
});

describe('rows that somebody deletes with another tool', () => {
  it('make `clicklake ledger` exit with 1, until they are back (S4.2)', async () => {
    expect(await clicklake(directory, 'ledger')).toMatchObject({ code: 0 });
    const names = await entries();
    const adds = (await Promise.all(names.map(actionsOf))).flat().flatMap(({ add }) => (add ? [add] : []));
    const remove = { path: adds[0]?.path, deletionTimestamp: Date.now(), dataChange: true };
    const next = join(log, `${String(names.length).padStart(20, '0')}.json`);
    await writeFile(next, `${JSON.stringify({ remove })}\n`);
    const { code, stdout } = await clicklake(directory, 'ledger', '--json');
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ appended: 50, balanced: false });
    expect(await clicklake(directory, 'ledger', '--deep')).toMatchObject({ code: 1 });
    await rm(next);
    expect(await clicklake(directory, 'ledger', '--deep')).toMatchObject({ code: 0 });
  });
});

describe('rows that were given up in the open', () => {
  it('are told from one that is lost: `clicklake ledger --deep` names it and exits with 1 (S4.2)', async () => {
    for (const seed of ['second', 'third']) {
      await clicklake(directory, 'produce', '--events', '40', '--seed', seed, '--back-fill', '--days', '1');
      expect(await clicklake(directory, 'ingest', '--until-caught-up')).toMatchObject({ code: 0 });
    }
    const versions = (await entries()).length;
    const restore = ['table', 'restore', 'silver', '--version', String(versions - 2), '--discard'];
    expect(await clicklake(directory, ...restore)).toMatchObject({ code: 0 });
    const given = await clicklake(directory, 'ledger', '--deep');
    expect(given).toMatchObject({ code: 0 });
    expect(given.stdout).toMatch(/^ {2}\d+ of them booked as removed$/m);
    const names = await entries();
    const adds = (await Promise.all(names.map(actionsOf))).flat().flatMap(({ add }) => (add ? [add] : []));
    const remove = { path: adds[0]?.path, deletionTimestamp: Date.now(), dataChange: true };
    const next = join(log, `${String(names.length).padStart(20, '0')}.json`);
    await writeFile(next, `${JSON.stringify({ remove })}\n`);
    const lost = await clicklake(directory, 'ledger', '--deep');
    expect(lost).toMatchObject({ code: 1 });
    expect(lost.stdout).toMatch(/^ {2}missing {3}clickstream-events\/\d /m);
    await rm(next);
  });
});
