/** Which row of a table an event counts in, as the project says it in `meta.trace` of a model. */
export interface TraceRule {
  /** The view whose rows are the events that count, and whose columns the conditions name. */
  readonly events: string;
  /** All are to hold. */
  readonly row: readonly RowCondition[];
}

export interface RowCondition {
  /** Of the model's table. */
  readonly column: string;
  readonly op: '=' | '<=' | '>=';
  /** Column of the event. */
  readonly of: string;
}

/**
 * `{events: stg_events, row: [date = event_date, user_id = user_id]}`; null for what is absent.
 *
 * @returns undefined for what is there and is no rule.
 */
export function traceRule(value: unknown): TraceRule | null | undefined {
  if (value === undefined || value === null) return null;
  if (typeof value !== 'object' || !('events' in value) || !('row' in value)) return undefined;
  const { events, row } = value;
  if (typeof events !== 'string' || !Array.isArray(row)) return undefined;
  const conditions = row.map(condition);
  const complete = conditions.filter((found) => found !== undefined);
  return complete.length === row.length && row.length > 0 ? { events, row: complete } : undefined;
}

function condition(text: unknown): RowCondition | undefined {
  const [, column, op, of] = /^(\w+) (=|<=|>=) (\w+)$/.exec(String(text)) ?? [];
  if (column === undefined || of === undefined) return undefined;
  return { column, op: op as RowCondition['op'], of };
}
