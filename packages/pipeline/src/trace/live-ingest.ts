import type { DuckDBConnection } from '@duckdb/node-api';
import type { FoundEntry } from '../dedupe/index.ts';
import { deadLettersTable, duplicatesTable, type Generation } from '../ingest/generation.ts';
import type { RecordPlace } from './event-trace.ts';
import type { Connections } from '../lake/connections.ts';
import { findDeadLetters, findDuplicates } from './committed-records.ts';
import { selectRows, type TableRow } from './table-rows.ts';

/** What the owner's ingest knows beyond the tables; nobody else does. */
export interface LiveIngest {
  /** Generations not committed yet, oldest first; what comes after the last is in flight. */
  uncommitted(): readonly Generation[];
  /** Entries of the dedupe index; undefined while it cannot be asked (a restore, a damaged state). Hashes on the connection. */
  findEvent(connection: DuckDBConnection, eventId: string): Promise<readonly FoundEntry[] | undefined>;
  readonly dedupeWindowMs: number;
}

/** Rows of the tail, by the table that they are going to. */
export interface TailRows {
  readonly silver: readonly TableRow[];
  readonly duplicates: readonly TableRow[];
  readonly deadLetters: readonly TableRow[];
}

/**
 * Rows of generations that bear the id. A generation that was committed meanwhile has lost its tables: its rows are
 * then in the snapshots that whoever asks takes after this.
 */
export async function findInTail(
  connections: Connections,
  ingest: LiveIngest,
  generations: readonly Generation[],
  eventId: string,
  places: readonly RecordPlace[],
): Promise<TailRows> {
  const tail: { -readonly [Name in keyof TailRows]: TableRow[] } = {
    silver: [],
    duplicates: [],
    deadLetters: [],
  };
  for (const generation of generations) {
    try {
      const { silverRows, silverSelects, duplicateRows, deadLetterRows, id } = generation;
      if (silverRows > 0)
        tail.silver.push(
          ...(await selectRows(
            connections,
            `SELECT * FROM (${silverSelects.join(' UNION ALL ')}) WHERE event_id = $1`,
            [eventId],
          )),
        );
      if (duplicateRows > 0)
        tail.duplicates.push(...(await findDuplicates(connections, duplicatesTable(id), eventId)));
      if (deadLetterRows > 0)
        tail.deadLetters.push(...(await findDeadLetters(connections, deadLettersTable(id), eventId, places)));
    } catch (error) {
      if (ingest.uncommitted().some(({ id }) => id === generation.id)) throw error;
    }
  }
  return tail;
}
