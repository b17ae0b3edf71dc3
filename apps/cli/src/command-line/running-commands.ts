import type { Command } from 'commander';
import type { SettingKey } from '../config/settings.ts';
import { action, settingOptions, type CommandLine } from './define-command.ts';

const serverSettings: readonly SettingKey[] = ['server.host', 'server.port', 'server.allow_non_loopback'];
const collectorSettings: readonly SettingKey[] = ['collector.host', 'collector.port'];

/** `up`, `collect`, `ingest`: what runs until it is stopped. */
export function registerRunningCommands(program: Command, line: CommandLine): void {
  const upSettings: readonly SettingKey[] = [...serverSettings, ...collectorSettings, 'simulator.rate'];
  const up = settingOptions(program.command('up'), upSettings)
    .description('start everything in one process: log, collector, ingest, console and simulated shoppers')
    .option('--no-simulator', 'no simulated shoppers');
  action(
    up,
    line,
    async (context) => {
      const { up: start } = await import('../commands/up.ts');
      const { simulator } = up.opts<{ simulator: boolean }>();
      const config = simulator ? context.config : { ...context.config, 'simulator.enabled': false };
      return start({ ...context, config }, line.startedAt);
    },
    upSettings,
  );

  const collectSettings: readonly SettingKey[] = [...collectorSettings, 'server.allow_non_loopback'];
  const collect = settingOptions(program.command('collect'), collectSettings).description(
    'start only the collector, which writes the log',
  );
  action(
    collect,
    line,
    async (context) => (await import('../commands/collect.ts')).collect(context),
    collectSettings,
  );

  const ingest = settingOptions(program.command('ingest'), serverSettings)
    .description('start only the ingest, with the console and admin API')
    .option('--until-caught-up', 'commit all that the log holds, then end');
  action(
    ingest,
    line,
    async (context) => {
      const { ingest: start, ingestUntilCaughtUp } = await import('../commands/ingest.ts');
      return ingest.opts<{ untilCaughtUp?: boolean }>().untilCaughtUp === true
        ? ingestUntilCaughtUp(context)
        : start(context);
    },
    serverSettings,
  );
}
