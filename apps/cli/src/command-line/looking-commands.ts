import type { Command } from 'commander';
import { action, type CommandLine } from './define-command.ts';
import { count } from './parse-arguments.ts';

/** What shows how the system does: `status`, `open`, `ledger`, `topics`, `tail`, `trace`. */
export function registerLookingCommands(program: Command, line: CommandLine): void {
  const status = program
    .command('status')
    .description('what runs, where it answers, and whether the ledger is balanced')
    .option('--link', 'only print a fresh login link for the console');
  action(status, line, async (context) => {
    const commands = await import('../commands/status.ts');
    return status.opts<{ link?: boolean }>().link === true
      ? commands.loginLink(context, false)
      : commands.status(context);
  });

  const open = program.command('open').description('open the console in a browser, with a fresh login link');
  action(open, line, async (context) => (await import('../commands/status.ts')).loginLink(context, true));

  const ledger = program
    .command('ledger')
    .description('where every record is: appended = silver + dead letters + duplicates + in flight + …')
    .option('--deep', 'prove for each offset that it is in exactly one place');
  action(ledger, line, async (context) => {
    const { deep } = ledger.opts<{ deep?: boolean }>();
    return (await import('../commands/ledger.ts')).showLedger(context, deep === true);
  });

  registerTopics(program, line);

  const trace = program
    .command('trace')
    .argument('<event_id>', 'of any event that was ever sent')
    .description(
      'what became of one event: log, verdict, commit, file, Gold rows; exit code 1 when it is nowhere',
    );
  action(trace, line, async (context, [eventId = '']) => {
    return (await import('../commands/trace.ts')).trace(context, eventId);
  });

  const tail = program
    .command('tail')
    .description('events as they come in, straight from the log')
    .option('-n, --last <count>', 'start with this many of the newest', count, 10)
    .option('--no-follow', 'end after those')
    .option('--errors', 'show what the collector rejected, too');
  action(tail, line, async (context) => {
    const { last, follow, errors } = tail.opts<{ last: number; follow: boolean; errors?: boolean }>();
    return (await import('../commands/tail.ts')).tail(context, { last, follow, errors: errors === true });
  });
}

const topicCommands = () => import('../commands/topics.ts');

function registerTopics(program: Command, line: CommandLine): void {
  const topics = program
    .command('topics')
    .description('the log: its partitions, their lag, and what is unreadable');
  const list = topics
    .command('list', { isDefault: true })
    .description('partitions with offsets, lag and size');
  action(list, line, async (context) => (await topicCommands()).listTopics(context));

  const verify = topics.command('verify').description('read every record; exit code 1 when some are corrupt');
  action(verify, line, async (context) => (await topicCommands()).verifyTopics(context));

  const skip = topics
    .command('skip-corrupt')
    .argument('<topic>')
    .argument('<partition>')
    .description('give up the unreadable records of a partition, so that ingest goes on');
  action(skip, line, async (context, [topic = '', partition = '']) => {
    return (await topicCommands()).skipCorrupt(context, topic, count(partition));
  });
}
