import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from './support/repository.ts';

interface MetaData {
  readonly partitionColumns: readonly string[];
  readonly configuration: Readonly<Record<string, string>>;
}

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'clicklake-silver-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

async function clicklake(...argv: string[]): Promise<void> {
  const child = spawn(process.execPath, ['--conditions=source', join(root, 'apps/cli/src/main.ts'), ...argv], {
    cwd: directory,
    env: { PATH: process.env.PATH },
    stdio: 'ignore',
  });
  expect(await once(child, 'exit')).toEqual([0, null]);
}

describe('Silver, as its log tells every reader', () => {
  it('lies at its public path, by event_date, with the properties of S4.5, for any reader of protocol 1', async () => {
    await clicklake('produce', '--events', '50', '--back-fill', '--days', '1');
    await clicklake('ingest', '--until-caught-up');
    const log = join(directory, '.clicklake/lake/user-behavior-analytics-silver/clickstream/delta/_delta_log');
    const actions = (await readFile(join(log, '00000000000000000000.json'), 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { metaData?: MetaData; protocol?: object });
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
