import { isDeltaError, type Snapshot } from '@clicklake/delta-lake';
import type { DuckDBConnection } from '@duckdb/node-api';
import { coveredOffsets } from '../ingest/transaction-ids.ts';
import {
  duplicatesStand,
  duplicatesToGoWith,
  isSameReading,
  type DuplicatesStand,
} from '../lake/duplicates-of-silver.ts';
import { tableSql, type LakeTables } from '../lake/lake-tables.ts';
import { PipelineError } from '../pipeline-error.ts';

/**
 * What is on record as a duplicate was so by rows that Silver may lack then: it goes back as well (S3.1, S4.3).
 *
 * @throws PipelineError `restore-not-possible` when the duplicates of then are gone.
 */
export async function takeDuplicatesAlong(
  tables: LakeTables,
  current: Snapshot,
  target: Snapshot,
): Promise<DuplicatesStand> {
  return duplicatesStand(current.transactions, await duplicatesThen(tables, target));
}

/**
 * A discard leaves duplicates as they are: below the target's offsets they have to be those of then, or an offset
 * would be in two places, or in none (S4.2). Only another reading of the log, after a restore, makes others of them.
 *
 * @throws PipelineError `restore-not-possible` when they are not, or cannot be compared.
 */
export async function requireSameDuplicates(
  connection: DuckDBConnection,
  tables: LakeTables,
  current: Snapshot,
  target: Snapshot,
): Promise<void> {
  if (isSameReading(current.transactions, target.transactions)) return;
  const [now, then] = [await tables.duplicates.snapshot(), await duplicatesThen(tables, target)];
  const below = coveredOffsets(target.transactions, 'clickstream-events')
    .map((next, partition) => `(log_partition = ${partition} AND log_offset < ${next})`)
    .join(' OR ');
  const placesOf = (snapshot: Snapshot): string =>
    `SELECT log_partition, log_offset FROM (${tableSql(tables.duplicates, snapshot)}) WHERE ${below}`;
  const [before, after] = [placesOf(then), placesOf(now)];
  const differing = await connection.runAndReadAll(
    `((${before}) EXCEPT ALL (${after})) UNION ALL ((${after}) EXCEPT ALL (${before})) LIMIT 1`,
  );
  if (differing.currentRowCount === 0) return;
  throw new PipelineError({
    code: 'restore-not-possible',
    message: `Since version ${target.version} the log was read again, and other records are duplicates now than were then: with --discard they would be in two places, or in none.`,
    hint: 'Restore it without --discard: duplicates then go back with Silver.',
    details: { version: target.version },
  });
}

/** Duplicates that go with a version of Silver, all of whose files are there. */
async function duplicatesThen(tables: LakeTables, target: Snapshot): Promise<Snapshot> {
  const { duplicates } = tables;
  let then: Snapshot;
  try {
    then = await duplicatesToGoWith(tables, target);
  } catch (error) {
    throw isDeltaError(error, 'delta-version-not-found') ? gone(target, error) : error;
  }
  const now = await duplicates.snapshot();
  for (const path of then.files.keys())
    if (!now.files.has(path) && (await duplicates.store.head(path)) === undefined) throw gone(target, path);
  return then;
}

function gone(target: Snapshot, cause: unknown): PipelineError {
  return new PipelineError({
    code: 'restore-not-possible',
    message: `The duplicates that go with version ${target.version} of Silver are gone: their table keeps its past for as long as the settings say.`,
    hint: 'Choose a younger version: `clicklake table history silver` lists them.',
    cause,
    details: { version: target.version },
  });
}
