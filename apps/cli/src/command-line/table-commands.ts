import type { Command } from 'commander';
import { action, type CommandLine } from './define-command.ts';
import { columnList, count, positiveCount, positiveNumber } from './parse-arguments.ts';

const commands = () => import('../commands/tables.ts');

/** `tables`, and `table history|detail|optimize|vacuum|restore`. */
export function registerTableCommands(program: Command, line: CommandLine): void {
  const tables = program.command('tables').description('list the tables with their rows, files and versions');
  action(tables, line, async (context) => (await commands()).listTables(context));

  const table = program.command('table').description('look at one table, or look after it');

  const history = table
    .command('history')
    .argument('<name>')
    .description('its commits, newest first')
    .option('--limit <count>', 'how many', positiveCount, 20);
  action(history, line, async (context, [name = '']) => {
    return (await commands()).showHistory(context, name, history.opts<{ limit: number }>().limit);
  });

  const detail = table
    .command('detail')
    .argument('<name>')
    .description('its columns, partitions, size and place');
  action(detail, line, async (context, [name = '']) => (await commands()).showTable(context, name));

  const optimize = table
    .command('optimize')
    .argument('<name>')
    .description('pack small files into large ones (ingest does so by itself)')
    .option('--since <date>', 'only partitions from this event_date on, as 2026-01-31')
    .option('--target-bytes <count>', 'how large files should be', positiveCount)
    .option('--sort-by <columns>', 'sort rows by these columns, as user_id,timestamp', columnList)
    .option('--z-order-by <columns>', 'order rows along a Z-curve of these columns', columnList);
  action(optimize, line, async (context, [name = '']) => {
    return (await commands()).optimizeTable(context, name, optimize.opts());
  });

  const vacuum = table
    .command('vacuum')
    .argument('<name>')
    .description('delete files that no version inside retention needs')
    .option('--dry-run', 'only list them')
    .option(
      '--retention-hours <number>',
      'how long deleted files stay (default: the table’s own)',
      positiveNumber,
    );
  action(vacuum, line, async (context, [name = '']) =>
    (await commands()).vacuumTable(context, name, vacuum.opts()),
  );

  const restore = table
    .command('restore')
    .argument('<name>')
    .description('make an earlier version the current one, as a new commit')
    .option('--version <number>', 'to this version', count)
    .option('--timestamp <time>', 'to the version of this time, as 2026-01-31T12:00:00Z')
    .option('--discard', 'silver: do not read the removed events from the log again, book them as removed');
  action(restore, line, async (context, [name = '']) => {
    return (await commands()).restoreTable(context, name, restore.opts());
  });
}
