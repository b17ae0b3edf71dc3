import { formatCsv, formatTable, type JsonValue } from '@clicklake/query';
import type { SqlAnswer } from '@clicklake/server';
import type { CommandContext } from '../context.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { readLake, type LakeAccess } from '../lake/with-lake.ts';

export type SqlFormat = 'table' | 'csv' | 'json';

/** One statement; Ctrl-C cancels it. */
export async function sql(context: CommandContext, statement: string, format: SqlFormat): Promise<ExitCode> {
  return readLake(context, async (access) => {
    await sayUncommitted(context, access);
    const cancel = new AbortController();
    const stopListening = context.effects.signals.onStop(() => cancel.abort());
    try {
      printAnswer(context, await access.admin.sql(statement, { signal: cancel.signal }), format);
      return exitCodes.ok;
    } catch (error) {
      if (!cancel.signal.aborted) throw error;
      context.terminal.talk('Cancelled.');
      return exitCodes.interrupted;
    } finally {
      stopListening();
    }
  });
}

export function printAnswer(
  { terminal, effects }: CommandContext,
  answer: SqlAnswer,
  format: SqlFormat,
): void {
  const toTerminal = effects.stdout.isTTY === true;
  if (format === 'json') terminal.json(asObjects(answer));
  else if (format === 'csv') terminal.raw(formatCsv(answer, { escapeControls: toTerminal }));
  else terminal.raw(formatTable(answer, toTerminal ? terminal.width : undefined));
  if (answer.truncated) {
    terminal.warn(
      `Only the first ${answer.rowCount} rows are shown: narrow the statement, or raise query.max_rows.`,
    );
  }
}

/** No process shows the tail: whoever asks must know what the answer leaves out (S6.1). */
export async function sayUncommitted({ terminal }: CommandContext, access: LakeAccess): Promise<void> {
  if (access.owner !== undefined) return;
  const count = await access.uncommitted();
  if (count === 0) return;
  terminal.warn(
    `${count} record${count === 1 ? ' is' : 's are'} in the log but not in the tables yet, and no ingest runs to show ` +
      'them: `clicklake ingest --until-caught-up` commits them.',
  );
}

/** One object a row; a name that repeats gets a number, since an object holds each name once. */
export function asObjects({
  columns,
  rows,
}: Pick<SqlAnswer, 'columns' | 'rows'>): Record<string, JsonValue>[] {
  const taken = new Set<string>();
  const names = columns.map(({ name }) => {
    let unique = name;
    for (let number = 1; taken.has(unique); number += 1) unique = `${name}_${number}`;
    taken.add(unique);
    return unique;
  });
  return rows.map((row) => Object.fromEntries(names.map((name, index) => [name, row[index] ?? null])));
}
