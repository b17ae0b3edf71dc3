import type { Command } from 'commander';
import { readConfigFile } from '../config/config-file.ts';
import { resolveConfig } from '../config/resolve-config.ts';
import { settings, type SettingKey } from '../config/settings.ts';
import type { Setting } from '../config/setting.ts';
import type { CommandContext } from '../context.ts';
import type { Effects } from '../effects.ts';
import type { ExitCode } from '../exit-codes.ts';
import { createTerminal } from '../terminal/terminal.ts';

/** What the program gives to each of its commands. */
export interface CommandLine {
  readonly effects: Effects;
  readonly startedAt: number;
  readonly end: (code: ExitCode) => void;
}

/** Options of every command. */
export interface GlobalOptions {
  readonly home?: string;
  readonly config?: string;
  readonly set?: Readonly<Record<string, string>>;
  readonly json?: boolean;
  readonly debug?: boolean;
  readonly quiet?: boolean;
}

/** Lets options of a command set configuration; what they are called stands with the setting. */
export function settingOptions(command: Command, keys: readonly SettingKey[]): Command {
  for (const key of keys) {
    const { flag, description, defaultValue, format } = settings[key] as Setting<unknown>;
    if (flag === undefined) continue;
    const takesValue = typeof defaultValue !== 'boolean';
    command.option(
      takesValue ? `${flag} <value>` : flag,
      `${description} (default: ${format(defaultValue)})`,
    );
  }
  return command;
}

/** Makes what a command does its commander action: the context is complete before it starts. */
export function action(
  command: Command,
  line: CommandLine,
  perform: (context: CommandContext, args: readonly string[]) => ExitCode | Promise<ExitCode>,
  flagSettings: readonly SettingKey[] = [],
): Command {
  return command.action(async () => {
    const context = await createContext(command, line.effects, flagSettings);
    line.end(await perform(context, command.args));
  });
}

async function createContext(
  command: Command,
  effects: Effects,
  flagSettings: readonly SettingKey[],
): Promise<CommandContext> {
  const given = command.optsWithGlobals<GlobalOptions>();
  const terminal = createTerminal(effects, { quiet: given.quiet === true });
  const configFile = await readConfigFile(effects.cwd, given.config);
  const resolved = resolveConfig({
    file: configFile.values,
    filePath: configFile.path,
    env: effects.env,
    flags: {
      ...(hasOwnSet(command) ? {} : given.set),
      ...givenFlags(command, flagSettings),
      ...(given.home !== undefined && { home: given.home }),
    },
    cwd: effects.cwd,
  });
  for (const name of resolved.unknownVariables)
    terminal.warn(`The variable ${name} means nothing to clicklake.`);
  const { homePaths } = await import('../lake/home.ts');
  return {
    effects,
    terminal,
    config: resolved.config,
    resolved,
    configFile,
    paths: homePaths(resolved.config.home),
    json: given.json === true,
  };
}

/** A command with a `--set` of its own means something else by it than configuration. */
function hasOwnSet(command: Command): boolean {
  return command.options.some(({ long }) => long === '--set');
}

function givenFlags(command: Command, keys: readonly SettingKey[]): Record<string, unknown> {
  const options = command.opts<Record<string, unknown>>();
  const flags: Record<string, unknown> = {};
  for (const key of keys) {
    const { flag } = settings[key] as Setting<unknown>;
    const value = flag === undefined ? undefined : options[camelCase(flag)];
    if (value !== undefined) flags[key] = value;
  }
  return flags;
}

/** `--collector-port` → `collectorPort`, as commander names options. */
function camelCase(flag: string): string {
  return flag.replace(/^--/, '').replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}
