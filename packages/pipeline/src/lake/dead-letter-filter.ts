import { scanSql, pruneFiles, type DeltaTable } from '@clicklake/delta-lake';
import type { DuckDBValue } from '@duckdb/node-api';
import type { DeadLetterFilter } from '../lake-service.ts';
import { tableSql } from './lake-tables.ts';

/** A WHERE clause, and the values of its parameters. */
export interface Conditions {
  readonly sql: string;
  readonly values: readonly DuckDBValue[];
}

/** The dead letter whose replay one is, or itself, as `replay_of` names it. */
export const originOf = `coalesce(d.replay_of, d.topic || ':' || d."partition" || ':' || d."offset")`;

/** The `event_type` of bytes that are JSON; NULL of others. Nothing here fails on any bytes. */
const eventType = `CASE WHEN json_valid(TRY(decode(d.raw))) THEN TRY(json_extract_string(decode(d.raw), '$.event_type')) END`;

/**
 * The rows of `d` that a filter means; `r` has the replays that Silver holds, by `replay_of`.
 * What users say never becomes SQL text: it goes into parameters.
 */
export function filterConditions(filter: DeadLetterFilter): Conditions {
  const conditions: string[] = [];
  const values: DuckDBValue[] = [];
  const where = (sql: (parameter: string) => string, value: DuckDBValue): void => {
    values.push(value);
    conditions.push(sql(`$${values.length}`));
  };
  const { reason, field, source, eventType: type, since, until, notReplayed } = filter;
  if (reason !== undefined) where((value) => `d.reason = ${value}`, reason);
  if (field !== undefined) where((value) => `d.field = ${value}`, field);
  if (source !== undefined) where((value) => `d.source_id = ${value}`, source);
  if (type !== undefined) where((value) => `${eventType} = ${value}`, type);
  if (since !== undefined)
    where((value) => `d.received_at >= epoch_ms(${value}::BIGINT)::TIMESTAMPTZ`, BigInt(since));
  if (until !== undefined)
    where((value) => `d.received_at < epoch_ms(${value}::BIGINT)::TIMESTAMPTZ`, BigInt(until));
  if (notReplayed === true) conditions.push('r.replay_of IS NULL');
  return { sql: conditions.length === 0 ? 'true' : conditions.join(' AND '), values };
}

/** Dead letters as `d`, with the replay that Silver holds of each one's origin as `r`. */
export async function deadLettersWithReplays(deadLetters: DeltaTable, silver: DeltaTable): Promise<string> {
  const replayed = await silver.snapshot();
  const files = pruneFiles(replayed, [{ column: 'replay_of', op: 'is not null' }]);
  const replays =
    files.length === 0
      ? `SELECT NULL::VARCHAR AS replay_of, NULL::INTEGER AS log_partition, NULL::BIGINT AS log_offset WHERE false`
      : `SELECT replay_of, log_partition, log_offset FROM (${scanSql(silver.store, replayed, files)}) WHERE replay_of IS NOT NULL`;
  return `(${tableSql(deadLetters, await deadLetters.snapshot())}) d LEFT JOIN (${replays}) r ON r.replay_of = ${originOf}`;
}
