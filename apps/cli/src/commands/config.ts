import type { CommandContext } from '../context.ts';
import type { Setting } from '../config/setting.ts';
import { settingKeys, settings, variableOf } from '../config/settings.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { alignColumns } from '../terminal/columns.ts';

/** Every setting, its value, and where the value comes from. */
export function showConfig({ terminal, json, resolved, configFile }: CommandContext): ExitCode {
  const { config, sources } = resolved;
  const rows = settingKeys.map((key) => {
    const { description, format, secret } = settings[key] as Setting<unknown>;
    const shown = format(config[key]);
    return {
      key,
      value:
        secret === true || typeof config[key] === 'object' ? (JSON.parse(shown) as unknown) : config[key],
      text: shown,
      source: sources[key],
      env: variableOf(key),
      description,
    };
  });
  if (json) {
    terminal.json({
      file: configFile.found ? configFile.path : null,
      settings: Object.fromEntries(
        rows.map(({ key, value, source, env }) => [key, { value: finite(value), source, env }]),
      ),
    });
    return exitCodes.ok;
  }
  const lines = alignColumns(
    ['setting', 'value', 'from', 'variable', 'what it is'],
    rows.map(({ key, text, source, env, description }) => [key, text, source, env, description]),
  );
  for (const line of lines) terminal.data(line);
  terminal.talk(
    terminal.talkStyle.dim(configFile.found ? `File: ${configFile.path}` : `No file at ${configFile.path}.`),
  );
  return exitCodes.ok;
}

/** JSON has no Infinity. */
function finite(value: unknown): unknown {
  return value === Infinity ? null : value;
}
