import type { Command } from 'commander';
import { action, type CommandLine } from './define-command.ts';
import { repeated } from './parse-arguments.ts';

/** `refresh`. */
export function registerRefreshCommands(program: Command, line: CommandLine): void {
  const refresh = program
    .command('refresh')
    .description('bring the Gold tables up to date: only the dates that have changed')
    .option('--full', 'make every table anew')
    .option('--model <name>', 'only this one and what it is made from; may be repeated', repeated)
    .option('--plan', 'only say what would be done; with --json also the variables for dbt');
  action(refresh, line, async (context) => {
    interface Flags {
      readonly full?: boolean;
      readonly plan?: boolean;
      readonly model?: readonly string[];
    }
    const { full = false, plan = false, model = [] } = refresh.opts<Flags>();
    const commands = await import('../commands/refresh.ts');
    const request = { full, models: model };
    return plan ? commands.planGold(context, request) : commands.refreshGold(context, request);
  });
}
