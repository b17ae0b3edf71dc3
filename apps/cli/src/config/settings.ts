import {
  callbackUrl,
  duration,
  flag,
  positiveNumber,
  retention,
  schedule,
  size,
  text,
  texts,
  wholeNumber,
  type Setting,
} from './setting.ts';

const port = { min: 0, max: 65_535 };

/** What a tail may have of the memory of ingest's DuckDB (`settingsWithin`): a catch-up holds several at a time. */
export const largestCommitBytes = 25 * 2 ** 20;

/**
 * Everything that may be configured, by its key in `clicklake.toml` (a dot is a table there). The defaults are
 * those of the packages; the tests hold them to that.
 */
export const settings = {
  home: text({
    description: 'Where all state lives',
    env: 'CLICKLAKE_HOME',
    flag: '--home',
    defaultValue: '.clicklake',
  }),
  'server.host': text({
    description: 'Address of the console and admin API',
    flag: '--host',
    defaultValue: '127.0.0.1',
  }),
  'server.port': wholeNumber({
    description: 'Port of the console and admin API; 0 takes a free one',
    env: 'CLICKLAKE_PORT',
    flag: '--port',
    defaultValue: 8084,
    ...port,
  }),
  'server.allow_non_loopback': flag({
    description: 'Let other machines reach the two ports (put TLS in front)',
    flag: '--allow-non-loopback',
    defaultValue: false,
  }),
  'server.allowed_hosts': texts({ description: 'Further host names of the two ports', defaultValue: [] }),
  'collector.host': text({
    description: 'Address of the collector',
    flag: '--collector-host',
    defaultValue: '127.0.0.1',
  }),
  'collector.port': wholeNumber({
    description: 'Port of the collector; 0 takes a free one',
    env: 'CLICKLAKE_COLLECTOR_PORT',
    flag: '--collector-port',
    defaultValue: 8085,
    ...port,
  }),
  'collector.truncate_ip': flag({
    description: 'Cut IP addresses before anything is stored',
    defaultValue: false,
  }),
  'collector.trusted_proxies': texts({
    description: 'Addresses whose X-Forwarded-For is believed',
    defaultValue: [],
  }),
  'collector.max_lag_records': wholeNumber({
    description: 'Records that ingest may be behind before senders are slowed down',
    defaultValue: 10_000_000,
    min: 1,
    max: Number.MAX_SAFE_INTEGER,
  }),
  'simulator.enabled': flag({ description: 'Whether `up` makes simulated shoppers', defaultValue: true }),
  'simulator.rate': positiveNumber({
    description: 'Their events per second',
    flag: '--rate',
    defaultValue: 1,
  }),
  'simulator.seed': text({ description: 'Who they are', defaultValue: 'clicklake' }),
  'contract.max_event_age_days': wholeNumber({
    description: 'Older events are dead letters',
    defaultValue: 400,
    min: 1,
    max: 36_500,
  }),
  'ingest.tick_interval': duration({ description: 'How often new events become visible', defaultValue: 250 }),
  'ingest.commit_interval': duration({
    description: 'How often the tail is committed to Delta',
    defaultValue: 10_000,
  }),
  'ingest.commit_size': size({
    description: 'A tail of more bytes is committed at once; never more than 25 MB, which fit into memory',
    defaultValue: largestCommitBytes,
    max: 128 * 2 ** 20,
  }),
  'ingest.dedupe_window': duration({
    description: 'How far apart two events with one id count as duplicates',
    defaultValue: 7 * 86_400_000,
  }),
  'ingest.dedupe_memory': size({ description: 'Memory of the dedupe index', defaultValue: 96 * 2 ** 20 }),
  'log.retention': duration({
    description: 'How long the log keeps committed events',
    defaultValue: 7 * 86_400_000,
  }),
  'log.retention_size': size({ description: 'How much of them it keeps', defaultValue: Infinity }),
  'log.max_size': size({ description: 'The log takes nothing beyond it', defaultValue: Infinity }),
  'log.min_free': size({ description: 'Disk space that the log leaves free', defaultValue: 256 * 2 ** 20 }),
  'silver.retention': retention({
    description: 'How long Silver keeps events after their date; ids stay known for the dedupe window',
    defaultValue: Infinity,
  }),
  'silver.checkpoint_interval': wholeNumber({
    description: 'Commits from one checkpoint of a table of ingest to the next',
    defaultValue: 360,
    min: 1,
    max: 100_000,
  }),
  'silver.version_retention': duration({
    description: 'How long versions of Silver, dead letters and duplicates stay loadable',
    defaultValue: 7 * 86_400_000,
  }),
  'silver.deleted_file_retention': duration({
    description: 'How long files that these have replaced stay for readers of older versions',
    defaultValue: 2 * 86_400_000,
  }),
  'gold.checkpoint_interval': wholeNumber({
    description: 'Commits from one checkpoint of a Gold table to the next',
    defaultValue: 100,
    min: 1,
    max: 100_000,
  }),
  'gold.version_retention': duration({
    description: 'How long versions of Gold tables stay loadable',
    defaultValue: 6 * 3_600_000,
  }),
  'gold.deleted_file_retention': duration({
    description: 'How long files that Gold has replaced stay for readers of older versions',
    defaultValue: 3_600_000,
  }),
  'jobs.refresh': schedule({
    description: 'When Gold is brought up to date: after-commits, off, or cron (UTC)',
    defaultValue: { kind: 'after-commits' },
  }),
  'jobs.refresh_interval': duration({
    description: 'At least so long after a refresh began the next one does',
    defaultValue: 5_000,
  }),
  'jobs.refresh_rest': positiveNumber({
    description: 'And at least so many times as long as the last one worked',
    defaultValue: 4,
  }),
  'jobs.maintenance': schedule({
    description: 'When tables are compacted and cleaned up',
    defaultValue: { kind: 'after-commits' },
  }),
  'jobs.retention': schedule({
    description: 'When what is past its retention is deleted',
    defaultValue: { kind: 'cron', expression: '* * * * *' },
  }),
  'jobs.webhook_url': callbackUrl({
    description: 'Is told of each failed run, by POST of JSON; may be secret',
    defaultValue: null,
  }),
  'query.timeout': duration({ description: 'Time limit of a SQL statement', defaultValue: 30_000 }),
  'query.memory': size({ description: 'Memory of all SQL statements', defaultValue: 192 * 2 ** 20 }),
  'query.max_rows': wholeNumber({
    description: 'Rows of one SQL answer',
    defaultValue: 10_000,
    min: 1,
    max: 1_000_000,
  }),
} as const;

export type SettingKey = keyof typeof settings;

/** Every setting's value: complete, and never changed after the start. */
export type Config = {
  readonly [K in SettingKey]: (typeof settings)[K] extends Setting<infer T> ? T : never;
};

export const settingKeys = Object.keys(settings) as readonly SettingKey[];

export function isSettingKey(key: string): key is SettingKey {
  return Object.hasOwn(settings, key);
}

/** The environment variable of a setting. */
export function variableOf(key: SettingKey): string {
  const setting: Pick<Setting<unknown>, 'env'> = settings[key];
  return setting.env ?? `CLICKLAKE_${key.replace('.', '_').toUpperCase()}`;
}
