import type { Ledger } from '@clicklake/pipeline';
import type { CommandContext } from '../context.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { readLake } from '../lake/with-lake.ts';
import { formatCount } from '../terminal/columns.ts';
import type { Terminal } from '../terminal/terminal.ts';

/** The equation of S4.2; exit code 1 when it does not hold. */
export async function showLedger(context: CommandContext, deep: boolean): Promise<ExitCode> {
  const { terminal, json } = context;
  const ledger = await readLake(context, ({ admin }) => admin.ledger({ deep }));
  if (json) terminal.json(inOrder(ledger));
  else print(ledger, terminal);
  return ledger.balanced ? exitCodes.ok : exitCodes.checkFailed;
}

/** The public names first; what else there is comes after them. */
function inOrder(ledger: Ledger): Ledger {
  const { appended, silver, dead_letters, duplicates, in_flight, unreadable, removed, balanced, ...extras } =
    ledger;
  return { appended, silver, dead_letters, duplicates, in_flight, unreadable, removed, balanced, ...extras };
}

const terms = [
  ['silver', 'valid events'],
  ['dead_letters', 'rejected, with their bytes'],
  ['duplicates', 'second events with one event_id'],
  ['in_flight', 'in the log, not committed yet'],
  ['unreadable', 'lost to corruption'],
  ['removed', 'deleted by restore, retention or erasure'],
] as const satisfies readonly (readonly [keyof Ledger, string])[];

function print(ledger: Ledger, terminal: Terminal): void {
  const { bold, dim, green, red } = terminal.style;
  const width = Math.max(
    ...[ledger.appended, ...terms.map(([name]) => ledger[name])].map((count) => formatCount(count).length),
  );
  const line = (sign: string, name: string, count: number, meaning: string): string =>
    `${sign} ${name.padEnd(13)} ${formatCount(count).padStart(width)}  ${dim(meaning)}`;
  terms.forEach(([name, meaning], index) =>
    terminal.data(line(index === 0 ? ' ' : '+', name, ledger[name], meaning)),
  );
  terminal.data(bold(line('=', 'appended', ledger.appended, 'records ever written to the log')));
  const { deep } = ledger;
  if (deep !== undefined) {
    const troubles = deep.missing.length + deep.repeated.length;
    terminal.data(
      `  ${formatCount(deep.checkedOffsets)} retained offsets checked one by one, ${troubles} ranges in no place or in several`,
    );
    if (deep.removedOffsets > 0)
      terminal.data(`  ${formatCount(deep.removedOffsets)} of them booked as removed`);
    if (deep.missingOffsets > 0 && deep.unbookedRemovals > 0)
      terminal.data(
        `  ${formatCount(deep.unbookedRemovals)} rows were removed by a version that did not book their offsets: these may be among the missing, which cannot be told apart from lost ones.`,
      );
    for (const { topic, partition, from, to } of deep.missing)
      terminal.data(red(`  missing   ${topic}/${partition} ${from}–${to - 1}`));
    for (const { topic, partition, from, to } of deep.repeated)
      terminal.data(red(`  repeated  ${topic}/${partition} ${from}–${to - 1}`));
  }
  terminal.data(ledger.balanced ? green('balanced') : red(`NOT BALANCED: ${imbalance(ledger.difference)}`));
}

function imbalance(difference: number): string {
  const records = `${formatCount(Math.abs(difference))} ${Math.abs(difference) === 1 ? 'record is' : 'records are'}`;
  return difference > 0 ? `${records} unaccounted for` : `${records} in more than one place`;
}
