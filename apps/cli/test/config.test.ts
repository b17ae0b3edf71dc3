import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultLimits } from '@clicklake/collector';
import { createContract } from '@clicklake/contract';
import { defaultIngestSettings, defaultMaintenanceSettings, settingsWithin } from '@clicklake/pipeline';
import { describe, expect, it } from 'vitest';
import { readConfigFile } from '../src/config/config-file.ts';
import { noCrashPoints } from '@clicklake/durable-files';
import { homePaths } from '../src/lake/home.ts';
import {
  ingestSettingsOf,
  lakeMemoryMb,
  logOptions,
  maintenanceSettingsOf,
} from '../src/system/component-settings.ts';
import { resolveConfig, type GivenSettings } from '../src/config/resolve-config.ts';
import { settingKeys, settings, variableOf, type SettingKey } from '../src/config/settings.ts';
import type { Setting } from '../src/config/setting.ts';
import { formatDuration, formatSize, parseDuration, parseSize } from '../src/config/units.ts';

const nothing: GivenSettings = {
  file: {},
  filePath: '/somewhere/clicklake.toml',
  env: {},
  flags: {},
  cwd: '/somewhere',
};

const schedules = {
  file: 'off',
  env: '*/5 * * * *',
  flag: 'after-commits',
  values: [{ kind: 'off' }, { kind: 'cron', expression: '*/5 * * * *' }, { kind: 'after-commits' }],
};

const days = { file: '1d', env: '2d', flag: '3d', values: [86_400_000, 172_800_000, 259_200_000] };

/** Every setting with values to tell the places apart, as the file and as text have them. */
const examples: Readonly<
  Record<SettingKey, { file: unknown; env: string; flag: string; values: readonly unknown[] }>
> = {
  home: { file: 'f', env: 'e', flag: 'g', values: ['/somewhere/f', '/somewhere/e', '/somewhere/g'] },
  'server.host': {
    file: '::1',
    env: 'localhost',
    flag: '127.0.0.2',
    values: ['::1', 'localhost', '127.0.0.2'],
  },
  'server.port': { file: 1, env: '2', flag: '3', values: [1, 2, 3] },
  'server.allow_non_loopback': { file: true, env: 'false', flag: 'true', values: [true, false, true] },
  'server.allowed_hosts': { file: ['a'], env: 'b,c', flag: 'd', values: [['a'], ['b', 'c'], ['d']] },
  'collector.host': {
    file: '::1',
    env: 'localhost',
    flag: '127.0.0.2',
    values: ['::1', 'localhost', '127.0.0.2'],
  },
  'collector.port': { file: 1, env: '2', flag: '3', values: [1, 2, 3] },
  'collector.truncate_ip': { file: true, env: 'false', flag: 'true', values: [true, false, true] },
  'collector.trusted_proxies': {
    file: ['10.0.0.1'],
    env: '10.0.0.2',
    flag: '10.0.0.3',
    values: [['10.0.0.1'], ['10.0.0.2'], ['10.0.0.3']],
  },
  'collector.max_lag_records': { file: 1, env: '2', flag: '3', values: [1, 2, 3] },
  'simulator.enabled': { file: false, env: 'true', flag: 'false', values: [false, true, false] },
  'simulator.rate': { file: 0.5, env: '2', flag: '3', values: [0.5, 2, 3] },
  'simulator.seed': { file: 'a', env: 'b', flag: 'c', values: ['a', 'b', 'c'] },
  'contract.max_event_age_days': { file: 1, env: '2', flag: '3', values: [1, 2, 3] },
  'ingest.tick_interval': { file: '1s', env: '2s', flag: '3ms', values: [1000, 2000, 3] },
  'ingest.commit_interval': { file: '1s', env: '2min', flag: '3h', values: [1000, 120_000, 10_800_000] },
  'ingest.commit_size': { file: '1MB', env: '2KB', flag: '3MB', values: [2 ** 20, 2048, 3 * 2 ** 20] },
  'ingest.dedupe_window': days,
  'ingest.dedupe_memory': {
    file: '1MB',
    env: '2MB',
    flag: '3MB',
    values: [2 ** 20, 2 * 2 ** 20, 3 * 2 ** 20],
  },
  'log.retention': days,
  'log.retention_size': { file: '1MB', env: 'none', flag: '3MB', values: [2 ** 20, Infinity, 3 * 2 ** 20] },
  'log.max_size': { file: '1MB', env: 'none', flag: '3MB', values: [2 ** 20, Infinity, 3 * 2 ** 20] },
  'log.min_free': { file: '1MB', env: '2MB', flag: '3MB', values: [2 ** 20, 2 * 2 ** 20, 3 * 2 ** 20] },
  'silver.retention': { file: '90d', env: 'none', flag: '1d', values: [7_776_000_000, Infinity, 86_400_000] },
  'silver.checkpoint_interval': { file: 1, env: '2', flag: '3', values: [1, 2, 3] },
  'silver.version_retention': days,
  'silver.deleted_file_retention': days,
  'gold.checkpoint_interval': { file: 1, env: '2', flag: '3', values: [1, 2, 3] },
  'gold.version_retention': days,
  'gold.deleted_file_retention': days,
  'jobs.refresh': schedules,
  'jobs.refresh_interval': { file: '1s', env: '2s', flag: '3s', values: [1000, 2000, 3000] },
  'jobs.refresh_rest': { file: 1, env: '2', flag: '0.5', values: [1, 2, 0.5] },
  'jobs.maintenance': schedules,
  'jobs.retention': schedules,
  'jobs.webhook_url': {
    file: 'https://a.example/secret',
    env: 'none',
    flag: 'http://127.0.0.1:1/x',
    values: ['https://a.example/secret', null, 'http://127.0.0.1:1/x'],
  },
  'query.timeout': { file: '1s', env: '2s', flag: '3s', values: [1000, 2000, 3000] },
  'query.memory': { file: '64MB', env: '128MB', flag: '1GB', values: [64 * 2 ** 20, 128 * 2 ** 20, 2 ** 30] },
  'query.max_rows': { file: 1, env: '2', flag: '3', values: [1, 2, 3] },
};

describe('where a value comes from', () => {
  for (const key of settingKeys) {
    const { file, env, flag, values } = examples[key];
    const inFile = { file: { [key]: file } };
    const inEnv = { env: { [variableOf(key)]: env } };
    const inFlag = { flags: { [key]: flag } };

    it.each([
      ['file', inFile, values[0]],
      ['env', { ...inFile, ...inEnv }, values[1]],
      ['flag', { ...inFile, ...inEnv, ...inFlag }, values[2]],
      ['flag', inFlag, values[2]],
    ])(`${key}: %s`, (source, given, value) => {
      const { config, sources } = resolveConfig({ ...nothing, ...given });
      expect(config[key]).toEqual(value);
      expect(sources[key]).toBe(source);
    });

    it(`${key}: default, which it would also take from the file`, () => {
      const { config, sources } = resolveConfig(nothing);
      const { defaultValue, format, parse } = settings[key] as Setting<unknown>;
      expect(sources[key]).toBe('default');
      expect(config[key]).toEqual(key === 'home' ? '/somewhere/.clicklake' : defaultValue);
      expect(parse(JSON.parse(format(defaultValue)))).toEqual(defaultValue);
    });
  }

  it('takes an empty variable for none', () => {
    expect(resolveConfig({ ...nothing, env: { CLICKLAKE_PORT: '' } }).sources['server.port']).toBe('default');
  });
});

describe('what is refused', () => {
  it.each([
    ['server.prot', 'server.port'],
    ['simulater.rate', 'simulator.rate'],
    ['ingest.commit', 'ingest.commit_size'],
  ])('the unknown key %s, naming %s', (mistyped, nearest) => {
    for (const given of [{ file: { [mistyped]: 1 } }, { flags: { [mistyped]: '1' } }]) {
      expect(() => resolveConfig({ ...nothing, ...given })).toThrow(
        expect.objectContaining({
          code: 'config-invalid',
          hint: expect.stringContaining(nearest) as string,
        }) as Error,
      );
    }
  });

  it.each([
    ['server.port', 65_536],
    ['server.port', '80a'],
    ['server.port', 1.5],
    ['simulator.rate', 0],
    ['simulator.enabled', 'yes'],
    ['ingest.commit_interval', 10],
    ['ingest.commit_interval', '10 parsecs'],
    ['ingest.commit_size', '-1MB'],
    ['ingest.commit_size', '129MB'],
    ['ingest.commit_size', 'none'],
    ['home', ''],
    ['server.allowed_hosts', [1]],
    ['jobs.refresh', 'every day'],
    ['jobs.refresh', '61 * * * *'],
    ['jobs.refresh', '0 0 30 2 *'],
    ['silver.retention', '1h'],
    ['jobs.webhook_url', 'file:///etc/passwd'],
    ['jobs.webhook_url', 'https://user:secret@example.org/hook'],
  ])('%s = %s, with what it takes', (key, value) => {
    expect(() => resolveConfig({ ...nothing, file: { [key]: value } })).toThrow(
      expect.objectContaining({
        message: expect.stringContaining('/somewhere/clicklake.toml') as string,
        hint: expect.stringMatching(/^It takes /) as string,
      }) as Error,
    );
  });

  it('does not repeat a value that may be secret', () => {
    const file = { 'jobs.webhook_url': 'ftp://example.org/secret' };
    expect(() => resolveConfig({ ...nothing, file })).toThrow(
      /^jobs\.webhook_url cannot be what it is given/,
    );
  });

  it('names variables that mean nothing, and leaves those of others alone', () => {
    const env = { CLICKLAKE_PROT: '1', CLICKLAKE_CRASH_AT: 'x', PORT: '2', CLICKLAKE_PORT: '3' };
    expect(resolveConfig({ ...nothing, env }).unknownVariables).toEqual(['CLICKLAKE_PROT']);
  });
});

describe('the file', () => {
  it('is TOML with a table for each part', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'clicklake-config-'));
    await writeFile(
      join(directory, 'clicklake.toml'),
      'home = "h"\n[server]\nport = 9000\nallowed_hosts = ["x"]\n',
    );
    expect(await readConfigFile(directory, undefined)).toMatchObject({
      found: true,
      values: { home: 'h', 'server.port': 9000, 'server.allowed_hosts': ['x'] },
    });
    await writeFile(join(directory, 'broken.toml'), 'port = = 1');
    await expect(readConfigFile(directory, 'broken.toml')).rejects.toMatchObject({ code: 'config-invalid' });
    await expect(readConfigFile(directory, 'absent.toml')).rejects.toMatchObject({ code: 'config-invalid' });
    await rm(directory, { recursive: true });
    expect(await readConfigFile(directory, undefined)).toMatchObject({ found: false, values: {} });
  });
});

describe('units', () => {
  it.each([
    ['250ms', 250],
    ['10s', 10_000],
    ['1.5h', 5_400_000],
    ['7d', 604_800_000],
  ])('%s', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
    expect(parseDuration(formatDuration(ms))).toBe(ms);
  });

  it.each([
    ['512B', 512],
    ['128MB', 128 * 2 ** 20],
    ['2gb', 2 ** 31],
  ])('%s', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
    expect(parseSize(formatSize(bytes))).toBe(bytes);
  });

  it.each(['', '10', 's', '-1s', '1 week', '1e3s'])('refuses %j', (text) => {
    expect(parseDuration(text)).toBeUndefined();
    expect(parseSize(text)).toBeUndefined();
  });
});

describe('the defaults', () => {
  it('are those of the packages', () => {
    const { config } = resolveConfig(nothing);
    expect(config['collector.max_lag_records']).toBe(defaultLimits.maxLagRecords);
    expect(config['log.min_free']).toBe(defaultLimits.minDiskFreeBytes);
    expect(config['contract.max_event_age_days']).toBe(createContract().settings.maxEventAgeDays);
    expect(defaultIngestSettings).toMatchObject({
      tickIntervalMs: config['ingest.tick_interval'],
      commitIntervalMs: config['ingest.commit_interval'],
      dedupeWindowMs: config['ingest.dedupe_window'],
      dedupeMemoryBytes: config['ingest.dedupe_memory'],
    });
    // As large as fits into memory, and no larger one is taken.
    const ingest = ingestSettingsOf(config, defaultIngestSettings);
    expect(settingsWithin(ingest, lakeMemoryMb).commitBytes).toBe(ingest.commitBytes);
    const { commitBytes } = settingsWithin(defaultIngestSettings, lakeMemoryMb);
    expect(commitBytes - ingest.commitBytes).toBeLessThan(2 ** 20);
    expect(maintenanceSettingsOf(config, defaultMaintenanceSettings)).toEqual(defaultMaintenanceSettings);
  });
});

describe('the log’s segments', () => {
  it.each([
    [{}, 128 * 2 ** 20],
    [{ 'log.max_size': '10GB' }, 128 * 2 ** 20],
    [{ 'log.max_size': '400MB', 'log.retention_size': '200MB' }, 25 * 2 ** 20],
    [{ 'log.max_size': '80MB', 'log.retention_size': '200MB' }, 10 * 2 ** 20],
    [{ 'log.retention_size': '1KB' }, 16 * 2 ** 10],
  ])('of %j are so large that retention, which deletes whole ones, can keep the limit', (file, bytes) => {
    const { config } = resolveConfig({ ...nothing, file });
    expect(logOptions(config, homePaths('/somewhere'), noCrashPoints, 'up').segmentBytes).toBe(bytes);
  });
});
