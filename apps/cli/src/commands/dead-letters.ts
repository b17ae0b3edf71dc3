import type { DeadLetterFilter, DeadLetterRow } from '@clicklake/pipeline';
import { escapeControls } from '@clicklake/query';
import { CliError } from '../cli-error.ts';
import type { CommandContext } from '../context.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { readLake } from '../lake/with-lake.ts';
import { parsePlace } from '../replay/place.ts';
import { alignColumns } from '../terminal/columns.ts';

type Filter = DeadLetterFilter & { readonly limit: number };

/** How many there are of each kind, and how many of them came back. */
export async function groupDeadLetters(context: CommandContext, filter: Filter): Promise<ExitCode> {
  const { terminal, json } = context;
  const groups = await readLake(context, ({ admin }) => admin.deadLetterGroups(filter));
  if (json) terminal.json(groups);
  else if (groups.length === 0) terminal.talk('There are no dead letters.');
  else {
    const rows = groups.map((group) => [
      group.reason,
      group.field ?? '-',
      group.source_id ?? '-',
      group.count,
      group.replayed,
      group.first_received_at,
      group.last_received_at,
      group.example,
    ]);
    const header = [
      'reason',
      'field',
      'source',
      'count',
      'replayed',
      'first received',
      'last received',
      'example',
    ];
    for (const line of alignColumns(header, rows)) terminal.data(line);
  }
  return exitCodes.ok;
}

export async function listDeadLetters(context: CommandContext, filter: Filter): Promise<ExitCode> {
  const { terminal, json } = context;
  const found = await readLake(context, ({ admin }) => admin.deadLetters(filter));
  if (json) terminal.json(found);
  else if (found.length === 0) terminal.talk('There are no dead letters.');
  else {
    const rows = found.map((row) => [
      `${row.topic}/${row.partition}/${row.offset}`,
      row.received_at,
      row.reason,
      row.field ?? '-',
      shorten(row.raw, Math.max(20, terminal.width - 95)),
    ]);
    for (const line of alignColumns(['place', 'received', 'reason', 'field', 'bytes'], rows))
      terminal.data(line);
    terminal.talk(terminal.talkStyle.dim('clicklake dead-letters show <place> shows one whole.'));
  }
  return exitCodes.ok;
}

export async function showDeadLetter(context: CommandContext, place: string): Promise<ExitCode> {
  const { terminal, json } = context;
  const parsed = parsePlace(place);
  if (parsed === undefined) throw notFound(place);
  const row = await readLake(context, ({ admin }) =>
    admin.deadLetter(parsed.topic, parsed.partition, parsed.offset),
  );
  if (row === undefined) throw notFound(place);
  if (json) terminal.json(row);
  else {
    for (const [name, value] of Object.entries<DeadLetterRow[keyof DeadLetterRow]>({ ...row })) {
      if (name !== 'raw') terminal.data(`${name.padEnd(12)} ${escapeControls(textOf(value))}`);
    }
    terminal.data('');
    terminal.data(escapeControls(row.raw));
  }
  return exitCodes.ok;
}

function textOf(value: DeadLetterRow[keyof DeadLetterRow]): string {
  if (typeof value !== 'object') return String(value);
  return value === null ? '-' : `clickstream-events/${value.partition}/${value.offset}`;
}

function shorten(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length - 1)}…` : text;
}

function notFound(place: string): CliError {
  return new CliError({
    code: 'cli-not-found',
    message: `There is no dead letter at ${place}.`,
    hint: 'A place is topic/partition/offset, as `clicklake dead-letters list` shows it.',
  });
}
