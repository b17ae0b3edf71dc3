import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parse } from 'smol-toml';
import { ConfigError } from './config-error.ts';

export interface ConfigFile {
  readonly path: string;
  /** Whether it exists. */
  readonly found: boolean;
  /** By dotted key. */
  readonly values: Readonly<Record<string, unknown>>;
}

/**
 * Reads `clicklake.toml` of the working directory, which may be absent, or the file that was asked for, which
 * may not.
 *
 * @throws ConfigError
 */
export async function readConfigFile(cwd: string, asked: string | undefined): Promise<ConfigFile> {
  const path = resolve(cwd, asked ?? 'clicklake.toml');
  let content: string;
  try {
    content = await readFile(path, 'utf8');
  } catch (error) {
    const absent = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    if (absent && asked === undefined) return { path, found: false, values: {} };
    throw unreadable(path, error);
  }
  try {
    return { path, found: true, values: flatten(parse(content), '') };
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** `[server] port = 1` → `server.port`. */
function flatten(table: Readonly<Record<string, unknown>>, prefix: string): Record<string, unknown> {
  const flat: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(table)) {
    if (isTable(value)) Object.assign(flat, flatten(value, `${prefix}${name}.`));
    else flat[`${prefix}${name}`] = value;
  }
  return flat;
}

function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

function unreadable(path: string, cause: unknown): ConfigError {
  const why = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
  return new ConfigError({
    code: 'config-invalid',
    message: `The configuration file ${path} cannot be read: ${why}`,
    hint: 'Mend it; `clicklake config` shows what is in force.',
    details: { path },
    cause,
  });
}
