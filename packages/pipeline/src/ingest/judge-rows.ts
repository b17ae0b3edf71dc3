import type { DeadLetter } from './dead-letter.ts';
import type { FoundDuplicates } from './duplicate-table.ts';
import { judgeReplays, readReplayRows } from './judge-replays.ts';
import type { ParsedIntake } from './parse-intake.ts';
import type { ReplayPlaces } from './replay-places.ts';
import type { TickDependencies } from './tick.ts';
import { unreadableRows } from './unreadable-rows.ts';

/** What became of a tick's events: rows of its table, by rowid, and what never got that far. */
export interface JudgedRows {
  readonly duplicates: FoundDuplicates;
  /** Rows that are dead letters; those are in `deadLetters` with the ones that were never rows. */
  readonly deadRows: readonly number[];
  readonly deadLetters: readonly DeadLetter[];
  /** Those of its replays that stay. */
  readonly replays: ReplayPlaces;
}

/** Judges each row of a parsed intake. */
export async function judgeRows(
  { connection, reader, dedupe, verdicts, findReplays }: TickDependencies,
  { table, spool, batch, unreadable }: ParsedIntake,
): Promise<JudgedRows> {
  const rejected = unreadable ? await unreadableRows(connection, reader, table, spool) : [];
  const deadRows = rejected.map((found) => found.row);
  const rows = batch.count > 0 ? await readReplayRows(connection, table) : [];
  const judged = await judgeReplays({
    dedupe,
    batch,
    verdicts,
    dead: new Set(deadRows),
    rows,
    findReplays,
  });
  return {
    ...judged,
    deadRows,
    deadLetters: [...spool.deadLetters, ...rejected.map((found) => found.deadLetter)],
  };
}
