import type { Command } from 'commander';
import { text } from 'node:stream/consumers';
import { usageError } from '../cli-error.ts';
import type { SqlFormat } from '../commands/sql.ts';
import { action, type CommandLine } from './define-command.ts';

/** `sql`: one statement, or a prompt. */
export function registerSqlCommand(program: Command, line: CommandLine): void {
  const command = program
    .command('sql')
    .argument('[statement]', 'SELECT, EXPLAIN, DESCRIBE or SHOW; without it: a prompt, or what stdin holds')
    .description('ask the tables: silver, dead_letters, duplicates, and those of Gold')
    .option('--csv', 'the answer as CSV')
    .addHelpText(
      'after',
      `
Examples:
  clicklake sql "SELECT product_id, count(*) AS views FROM silver WHERE event_type = 'product_view' GROUP BY ALL"
  clicklake sql "SELECT * FROM silver LIMIT 100" --csv > events.csv
  echo "SHOW TABLES" | clicklake sql --json`,
    );
  action(command, line, async (context, [statement]) => {
    const { csv } = command.opts<{ csv?: boolean }>();
    if (csv === true && context.json) throw usageError('--csv and --json exclude each other.', 'Choose one.');
    const format: SqlFormat = csv === true ? 'csv' : context.json ? 'json' : 'table';
    const { sql } = await import('../commands/sql.ts');
    if (statement !== undefined) return sql(context, statement, format);
    const { stdin } = line.effects;
    if (stdin.isTTY !== true) return sql(context, await text(stdin), format);
    const { sqlRepl } = await import('../commands/sql-repl.ts');
    return sqlRepl(context, format, command.optsWithGlobals<{ debug?: boolean }>().debug === true);
  });
}
