import { resolve } from 'node:path';
import { ConfigError } from './config-error.ts';
import { nearestKey } from './nearest-key.ts';
import type { Setting } from './setting.ts';
import { isSettingKey, settingKeys, settings, variableOf, type Config, type SettingKey } from './settings.ts';

/** Where a value comes from, the stronger last. */
export type SettingSource = 'default' | 'file' | 'env' | 'flag';

/** What was given in each place, not looked at yet. */
export interface GivenSettings {
  /** By key, as TOML has them. */
  readonly file: Readonly<Record<string, unknown>>;
  readonly filePath: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** By key, as the command line has them. */
  readonly flags: Readonly<Record<string, unknown>>;
  /** Relative paths start here. */
  readonly cwd: string;
}

export interface ResolvedConfig {
  readonly config: Config;
  readonly sources: Readonly<Record<SettingKey, SettingSource>>;
  /** `CLICKLAKE_…` variables that mean nothing: most likely mistyped. */
  readonly unknownVariables: readonly string[];
}

/** Not settings: for the kill tests, and for where `.ci/run` and the benchmarks keep what they download or make. */
const reservedVariables: ReadonlySet<string> = new Set(['CLICKLAKE_CRASH_AT', 'CLICKLAKE_CACHE']);

/** A flag wins over a variable, a variable over the file, the file over the default. @throws ConfigError */
export function resolveConfig(given: GivenSettings): ResolvedConfig {
  const unknown = [...Object.keys(given.file), ...Object.keys(given.flags)].find((key) => !isSettingKey(key));
  if (unknown !== undefined)
    throw unknownKey(unknown, Object.hasOwn(given.file, unknown) ? given.filePath : '--set');
  const values: Partial<Record<SettingKey, unknown>> = {};
  const sources: Partial<Record<SettingKey, SettingSource>> = {};
  for (const key of settingKeys) {
    const found = findValue(key, given);
    values[key] = found.source === 'default' ? found.value : parseValue(key, found, given.filePath);
    sources[key] = found.source;
  }
  const config = values as Config;
  return {
    config: { ...config, home: resolve(given.cwd, config.home) },
    sources: sources as Record<SettingKey, SettingSource>,
    unknownVariables: unknownVariables(given.env),
  };
}

interface FoundValue {
  readonly source: SettingSource;
  readonly value: unknown;
}

function findValue(key: SettingKey, { file, env, flags }: GivenSettings): FoundValue {
  if (flags[key] !== undefined) return { source: 'flag', value: flags[key] };
  const variable = env[variableOf(key)];
  // An empty variable is how scripts say "not set".
  if (variable !== undefined && variable !== '') return { source: 'env', value: variable };
  if (file[key] !== undefined) return { source: 'file', value: file[key] };
  return { source: 'default', value: settings[key].defaultValue };
}

function parseValue(key: SettingKey, { source, value }: FoundValue, filePath: string): unknown {
  const setting: Setting<unknown> = settings[key] as Setting<unknown>;
  const parsed = setting.parse(value);
  if (parsed !== undefined) return parsed;
  const place = { file: filePath, env: variableOf(key), flag: setting.flag ?? '--set', default: '' }[source];
  throw new ConfigError({
    code: 'config-invalid',
    message: `${key} cannot be ${setting.secret === true ? 'what it is given' : JSON.stringify(value)} (${place}).`,
    hint: `It takes ${setting.takes}.`,
    details: { key, source },
  });
}

function unknownKey(key: string, place: string): ConfigError {
  const nearest = nearestKey(key, settingKeys);
  return new ConfigError({
    code: 'config-invalid',
    message: `There is no setting ${key} (${place}).`,
    hint: `Did you mean ${nearest ?? 'another'}? \`clicklake config\` lists them all.`,
    details: { key, nearest },
  });
}

function unknownVariables(env: GivenSettings['env']): string[] {
  const known = new Set(settingKeys.map(variableOf));
  return Object.keys(env).filter(
    (name) => name.startsWith('CLICKLAKE_') && !known.has(name) && !reservedVariables.has(name),
  );
}
