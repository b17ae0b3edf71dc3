import type { Command } from 'commander';
import type { DeadLetterFilter } from '@clicklake/pipeline';
import { action, type CommandLine, type GlobalOptions } from './define-command.ts';
import { instant, positiveCount, repeated, assignment } from './parse-arguments.ts';

interface FilterFlags {
  readonly reason?: string;
  readonly field?: string;
  readonly source?: string;
  readonly eventType?: string;
  readonly since?: number;
  readonly until?: number;
  readonly notReplayed?: boolean;
}

const commands = () => import('../commands/dead-letters.ts');
const replayCommands = () => import('../commands/replay.ts');

/** `dead-letters`: what was rejected, and the way back (S8). */
export function registerDeadLetterCommands(program: Command, line: CommandLine): void {
  const deadLetters = program
    .command('dead-letters')
    .description('records that were rejected, with reason and bytes; mend and replay them');
  const list = filterOptions(
    deadLetters
      .command('list', { isDefault: true })
      .description('the newest, or with --group how many of each kind'),
  )
    .option('--group', 'by reason, field and source')
    .option('--limit <count>', 'how many', positiveCount, 20);
  action(list, line, async (context) => {
    const { limit, group } = list.opts<{ limit: number; group?: boolean }>();
    const filter = { ...filterOf(list), limit };
    return group === true
      ? (await commands()).groupDeadLetters(context, filter)
      : (await commands()).listDeadLetters(context, filter);
  });

  const groups = filterOptions(
    deadLetters
      .command('groups')
      .description('how many of each reason, field and source, and how many were replayed'),
  ).option('--limit <count>', 'how many groups', positiveCount, 100);
  action(groups, line, async (context) => {
    const { limit } = groups.opts<{ limit: number }>();
    return (await commands()).groupDeadLetters(context, { ...filterOf(groups), limit });
  });

  const show = deadLetters
    .command('show')
    .argument('<place>', 'topic/partition/offset')
    .description('one, whole');
  action(show, line, async (context, [place = '']) => (await commands()).showDeadLetter(context, place));

  registerExport(deadLetters, line);
  registerReplay(deadLetters, line);
}

function registerExport(deadLetters: Command, line: CommandLine): void {
  const command = filterOptions(
    deadLetters
      .command('export')
      .description('write dead letters to edit, one JSON line each, for `replay --file`'),
  )
    .option('--file <file>', 'where to (default: stdout)')
    .option('--limit <count>', 'how many', positiveCount, 1_000_000)
    .addHelpText(
      'after',
      `
A line has the dead letter's place and its event; bytes that are no JSON object are in "raw" instead. Mend "event" (or put
one in place of "raw"), drop lines that are not to come back, and hand the file to: clicklake dead-letters replay --file`,
    );
  action(command, line, async (context) => {
    const { file, limit } = command.opts<{ file?: string; limit: number }>();
    return (await replayCommands()).exportDeadLetters(context, { ...filterOf(command), limit }, file ?? null);
  });
}

interface ReplayFlags {
  readonly all?: boolean;
  readonly file?: string;
  readonly unset?: readonly string[];
  readonly rename?: readonly string[];
  readonly cast?: readonly string[];
  readonly asIs?: boolean;
  readonly onlyValid?: boolean;
  readonly dryRun?: boolean;
  readonly limit: number;
}

function registerReplay(deadLetters: Command, line: CommandLine): void {
  const command = filterOptions(
    deadLetters
      .command('replay')
      .argument('[places...]', 'topic/partition/offset of each; or name them by a filter, --all or --file')
      .description('mend dead letters and send them through the pipeline again, each event once (S8)'),
  )
    .option('--all', 'every dead letter')
    .option('--file <file>', 'events in place of the bytes, as `export` writes them')
    .option('--rename <old=new>', 'rename a field; may be repeated', repeated)
    .option(
      '--set <field=value>',
      'set a field: JSON, @other_field, or else text; may be repeated',
      assignment,
    )
    .option('--cast <field=type>', 'to integer, number, text, boolean or time; may be repeated', repeated)
    .option('--unset <field>', 'remove a field; may be repeated', repeated)
    .option('--as-is', 'change nothing: for when the rules have changed')
    .option('--only-valid', 'leave alone what would be rejected again')
    .option('--dry-run', 'show before, after and verdict of each; append nothing')
    .option('--limit <count>', 'how many at most', positiveCount, 1_000_000)
    .addHelpText(
      'after',
      `
Changes are made in this order: --rename, --set, --cast, --unset. A dot names a field within a field
(click_coordinates.x). What is replayed already is passed over, so repeating a command is safe.

Examples:
  clicklake dead-letters replay clickstream-errors/0/17 --set time_on_page=12 --dry-run
  clicklake dead-letters replay --reason wrong_type --field time_on_page --cast time_on_page=integer
  clicklake dead-letters replay --field user_id --set user_id=@customer
  clicklake dead-letters export --reason malformed_json --file fixed.ndjson   (edit it, then)
  clicklake dead-letters replay --file fixed.ndjson`,
    );
  action(command, line, async (context, places) => {
    const flags = command.opts<ReplayFlags>();
    const { set = {} } = command.optsWithGlobals<GlobalOptions>();
    return (await replayCommands()).replay(context, {
      places,
      filter: filterOf(command),
      all: flags.all === true,
      file: flags.file ?? null,
      changes: [
        ...(flags.rename ?? []).map((text) => `rename ${text}`),
        ...Object.entries(set).map(([field, value]) => `set ${field}=${value}`),
        ...(flags.cast ?? []).map((text) => `cast ${text}`),
        ...(flags.unset ?? []).map((text) => `unset ${text}`),
      ],
      asIs: flags.asIs === true,
      onlyValid: flags.onlyValid === true,
      dryRun: flags.dryRun === true,
      limit: flags.limit,
    });
  });
}

function filterOptions(command: Command): Command {
  return command
    .option('--reason <reason>', 'only those with this reason')
    .option('--field <field>', 'only those with this offending field')
    .option('--source <source>', 'only those of this source (a write key’s)')
    .option('--event-type <type>', 'only those whose bytes are JSON with this event_type')
    .option('--since <time>', 'received at or after this time', instant)
    .option('--until <time>', 'received before this time', instant)
    .option('--not-replayed', 'only those that no event in Silver replays');
}

function filterOf(command: Command): DeadLetterFilter {
  const { reason, field, source, eventType, since, until, notReplayed } = command.opts<FilterFlags>();
  return {
    ...(reason !== undefined && { reason }),
    ...(field !== undefined && { field }),
    ...(source !== undefined && { source }),
    ...(eventType !== undefined && { eventType }),
    ...(since !== undefined && { since }),
    ...(until !== undefined && { until }),
    ...(notReplayed !== undefined && { notReplayed }),
  };
}
