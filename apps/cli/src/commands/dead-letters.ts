import { escapeControls } from '@clicklake/query';
import { CliError } from '../cli-error.ts';
import type { CommandContext } from '../context.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { readLake } from '../lake/with-lake.ts';
import { alignColumns } from '../terminal/columns.ts';

export interface DeadLetterListOptions {
  readonly limit: number;
  readonly reason?: string;
}

export async function listDeadLetters(
  context: CommandContext,
  options: DeadLetterListOptions,
): Promise<ExitCode> {
  const { terminal, json } = context;
  const found = await readLake(context, ({ admin }) => admin.deadLetters(options));
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
  const [, topic = '', partition, offset] = /^([\w-]+)\/(\d+)\/(\d+)$/.exec(place) ?? [];
  if (partition === undefined || offset === undefined) throw notFound(place);
  const row = await readLake(context, ({ admin }) =>
    admin.deadLetter(topic, Number(partition), Number(offset)),
  );
  if (row === undefined) throw notFound(place);
  if (json) terminal.json(row);
  else {
    for (const [name, value] of Object.entries(row)) {
      if (name !== 'raw') terminal.data(`${name.padEnd(12)} ${escapeControls(String(value ?? '-'))}`);
    }
    terminal.data('');
    terminal.data(escapeControls(row.raw));
  }
  return exitCodes.ok;
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
