import type { DeadLetter } from './dead-letter.ts';
import type { FoundDuplicates } from './duplicate-table.ts';
import { judgeDuplicates } from './judge-duplicates.ts';
import type { ParsedIntake } from './parse-intake.ts';
import type { TickDependencies } from './tick.ts';
import { unreadableRows } from './unreadable-rows.ts';

/** What became of a tick's events: rows of its table, by rowid, and what never got that far. */
export interface JudgedRows {
  readonly duplicates: FoundDuplicates;
  /** Rows that are dead letters; those are in `deadLetters` with the ones that were never rows. */
  readonly deadRows: readonly number[];
  readonly deadLetters: readonly DeadLetter[];
}

/** Judges each row of a parsed intake. */
export async function judgeRows(
  { connection, reader, dedupe, verdicts }: TickDependencies,
  { table, spool, batch, unreadable }: ParsedIntake,
): Promise<JudgedRows> {
  const rejected = unreadable ? await unreadableRows(connection, reader, table, spool) : [];
  const deadRows = rejected.map((found) => found.row);
  return {
    duplicates: await judgeDuplicates(dedupe, batch, verdicts, new Set(deadRows)),
    deadRows,
    deadLetters: [...spool.deadLetters, ...rejected.map((found) => found.deadLetter)],
  };
}
