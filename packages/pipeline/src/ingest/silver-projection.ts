import { eventFields, type EventField } from '@clicklake/contract';
import type { Spool, SpoolRun } from './spool.ts';

/** How a row's number tells where its record lies in the log. */
export type RowPlaces = Pick<Spool, 'runs' | 'pickedRows'>;

/**
 * The SELECT list that turns a row of a tick's table into a Silver row, columns in the contract's order.
 * `row` is the table's rowid: DuckDB keeps the order of the file's lines, so it finds the record's offset.
 */
export function silverProjection(places: RowPlaces, processedAtMs: number): string {
  return eventFields
    .map((field) => `${expression(field, places, processedAtMs)} AS "${field.name}"`)
    .join(', ');
}

function expression(field: EventField, places: RowPlaces, processedAtMs: number): string {
  if (field.owner !== 'ingest') return `"${field.name}"`;
  switch (field.name) {
    case 'processing_timestamp':
      return `make_timestamptz(${Math.trunc(processedAtMs)}000)`;
    case 'event_date':
      return 'CAST("timestamp" AS DATE)';
    case 'log_topic':
      return `'clickstream-events'`;
    case 'log_partition':
      return `CAST(${partitionExpression(places)} AS INTEGER)`;
    case 'log_offset':
      return `CAST(${offsetExpression(places)} AS BIGINT)`;
    default:
      throw new Error(`The contract has a field that ingest does not know how to fill: ${field.name}.`);
  }
}

export function partitionExpression({ runs, pickedRows }: RowPlaces): string {
  return byRun(runs, (run) => String(run.partition), '"$p"', pickedRows > 0);
}

export function offsetExpression({ runs, pickedRows }: RowPlaces): string {
  return byRun(runs, (run, start) => `rowid + ${run.firstOffset - BigInt(start)}`, '"$o"', pickedRows > 0);
}

/** A balanced tree of CASEs over the runs' first rows: thousands of runs stay within the parser's depth. */
function byRun(
  runs: readonly SpoolRun[],
  text: (run: SpoolRun, start: number) => string,
  otherwise: string,
  picked: boolean,
): string {
  let start = 0;
  const leaves = runs.map((run) => {
    const leaf = { end: start + run.rows, text: text(run, start) };
    start = leaf.end;
    return leaf;
  });
  const tree = (from: number, to: number): string => {
    const only = leaves[from];
    if (only === undefined) return otherwise;
    if (to - from === 1) return only.text;
    const middle = (from + to) >>> 1;
    return `CASE WHEN rowid < ${leaves[middle - 1]?.end ?? 0} THEN ${tree(from, middle)} ELSE ${tree(middle, to)} END`;
  };
  if (leaves.length === 0) return otherwise;
  const whole = tree(0, leaves.length);
  return picked ? `CASE WHEN rowid < ${start} THEN ${whole} ELSE ${otherwise} END` : whole;
}
