import { Command } from 'commander';
import { assignment } from './command-line/parse-arguments.ts';
import type { CommandLine } from './command-line/define-command.ts';
import { registerJobCommands } from './command-line/job-commands.ts';
import { registerDeadLetterCommands } from './command-line/dead-letter-commands.ts';
import { registerLookingCommands } from './command-line/looking-commands.ts';
import { registerProduceCommand } from './command-line/produce-command.ts';
import { registerRunningCommands } from './command-line/running-commands.ts';
import { registerSqlCommand } from './command-line/sql-command.ts';
import { registerRefreshCommands } from './command-line/refresh-commands.ts';
import { registerTableCommands } from './command-line/table-commands.ts';
import { registerTestCommand } from './command-line/test-command.ts';
import { registerUpkeepCommands } from './command-line/upkeep-commands.ts';
import type { Effects } from './effects.ts';
import type { ExitCode } from './exit-codes.ts';

/** The command line of clicklake. Modules of a command load when it runs, so that `--help` is quick. */
export function createProgram(effects: Effects, startedAt: number, end: (code: ExitCode) => void): Command {
  const program = new Command('clicklake')
    .description('A clickstream lakehouse: behaviour events in over HTTP, exactly-once Delta tables out.')
    .option('--home <directory>', 'where all state lives (CLICKLAKE_HOME; default .clicklake)')
    .option('--config <file>', 'configuration file (default clicklake.toml, when it exists)')
    .option('--set <key=value>', 'any setting of `clicklake config`; may be repeated', assignment)
    .option('--json', 'data as JSON, for programs')
    .option('--quiet', 'no talk on stderr, errors and warnings apart')
    .option('--debug', 'stack traces of errors')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => void effects.stdout.write(text),
      writeErr: (text) => void effects.stderr.write(text),
      getOutHelpWidth: () => effects.stdout.columns ?? 100,
      getErrHelpWidth: () => effects.stderr.columns ?? 100,
      getOutHasColors: () => effects.stdout.isTTY === true && (effects.env.NO_COLOR ?? '') === '',
      getErrHasColors: () => effects.stderr.isTTY === true && (effects.env.NO_COLOR ?? '') === '',
    })
    .exitOverride()
    .showSuggestionAfterError()
    .showHelpAfterError('What there is: clicklake --help, and --help after any command.')
    .addHelpText('after', examples);

  const line: CommandLine = { effects, startedAt, end };
  registerRunningCommands(program, line);
  registerProduceCommand(program, line);
  registerSqlCommand(program, line);
  registerTableCommands(program, line);
  registerRefreshCommands(program, line);
  registerJobCommands(program, line);
  registerTestCommand(program, line);
  registerLookingCommands(program, line);
  registerDeadLetterCommands(program, line);
  registerUpkeepCommands(program, line);
  return program;
}

const examples = `
  clicklake --version                               (first, since \`table restore\` has a --version of its own)

Examples:
  clicklake up                                      everything in one process
  clicklake sql "SELECT event_type, count(*) FROM silver GROUP BY ALL"
  clicklake produce --events 10000 --seed demo --back-fill --days 30
  clicklake ledger --deep                           proof that nothing is missing
  clicklake trace <event_id>                        what became of one event
  clicklake tail                                    events as they come in

Exit codes:
  0 done   1 a check failed (an unbalanced ledger, a data test), or an event is nowhere
  2 wrong usage or configuration   3 another process owns what is needed
  4 refused: invalid input or data   5 internal`;
