import { eventFields, type EventField } from './event-fields.ts';
import { completeSettings, type ContractSettings } from './settings.ts';
import * as sql from './duckdb-expressions.ts';
import { maxTimestampMs, minTimestampMs } from './timestamp.ts';

/** SQL dialects that the verdict exists in. */
export type PredicateDialect = 'duckdb';

const recordFields = eventFields.filter(({ owner }) => owner !== 'ingest');

/** Whether a present value is valid, by itself, as this field. `value` is an expression of type JSON. */
function validValue(field: EventField, value: string, settings: ContractSettings): string {
  switch (field.type) {
    case 'string':
      if (field.name === 'properties') return validProperties(value, settings);
      return field.values === undefined
        ? sql.isText(value, field.minBytes ?? 0, field.maxBytes ?? null)
        : sql.isOneOf(value, field.values);
    case 'timestamp':
      return `(${sql.milliseconds(value)}) BETWEEN ${minTimestampMs} AND ${maxTimestampMs}`;
    case 'boolean':
      return `json_type(${value}) = 'BOOLEAN'`;
    case 'point':
      return validPoint(field, value);
    default:
      return sql.isInteger(value, field);
  }
}

function validProperties(value: string, { maxDepth }: ContractSettings): string {
  const text = sql.textOf(value);
  const nested = sql.bind(
    sql.strictJson(text, maxDepth),
    'nested',
    (strict) => `json_type(${strict}) = 'OBJECT'`,
  );
  return `CASE json_type(${value}) WHEN 'OBJECT' THEN true WHEN 'VARCHAR' THEN coalesce(${nested}, false) ELSE false END`;
}

function validPoint(field: EventField, value: string): string {
  const axis = (members: string, name: string): string =>
    sql.bind(sql.member(members, name), name, (number) => `coalesce(${sql.isInteger(number, field)}, false)`);
  const members = sql.bind(
    sql.membersOf(value),
    'point',
    (point) => `${axis(point, 'x')} AND ${axis(point, 'y')}`,
  );
  return `json_type(${value}) = 'OBJECT' AND ${members}`;
}

/** `timestamp` is not older than the contract allows, counted from `received_at` or the append (S2.3). */
function youngEnough(members: string, appendTime: string, { maxEventAgeDays }: ContractSettings): string {
  const time = (name: string): string => sql.bind(sql.member(members, name), 'time', sql.milliseconds);
  const appended = `greatest(${minTimestampMs}, least(${maxTimestampMs}, coalesce(CAST(${appendTime} AS BIGINT), 0)))`;
  const received = `coalesce(${time('received_at')}, ${appended})`;
  // A replay's age was judged when it was appended (S8).
  const isReplay = sql.isPresent(sql.member(members, 'replay_of'));
  return `(${isReplay} OR coalesce(${time('timestamp')} >= ${received} - ${maxEventAgeDays * 86_400_000}, true))`;
}

/**
 * A SQL expression, true or false on any text whatever, that gives the verdict `Contract.judge(…).ok` gives on
 * the text's UTF-8 bytes.
 * @param value SQL expression of the record's text, VARCHAR; NULL counts as no JSON
 * @param appendTime SQL expression of the append time, milliseconds since the epoch, BIGINT
 * @param given the settings of the contract whose verdict it is
 */
export function validityPredicate(
  _dialect: PredicateDialect,
  value: string,
  appendTime: string,
  given: Partial<ContractSettings> = {},
): string {
  const settings = completeSettings(given);
  const verdict = (record: string, members: string): string => {
    const given = (name: string): string => sql.isPresent(sql.member(members, name));
    const fields = recordFields.map((field) =>
      sql.bind(
        sql.member(members, field.name),
        'v',
        (member) =>
          `CASE WHEN ${sql.isPresent(member)} THEN coalesce(${validValue(field, member, settings)}, false) ELSE true END`,
      ),
    );
    const eventType = sql.textOf(sql.member(members, 'event_type'));
    return [
      given('event_type'),
      `(${given('user_id')} OR ${given('anonymous_id')})`,
      `(${eventType} IS DISTINCT FROM 'custom' OR ${given('event_name')})`,
      ...fields,
      youngEnough(members, `${record}.append_time`, settings),
    ].join(' AND ');
  };
  // The caller's expressions are bound before any name of ours is in scope.
  const input = `{'text': CAST(${value} AS VARCHAR), 'append_time': ${appendTime}}`;
  const body = sql.bind(input, 'record', (record) =>
    sql.bind(sql.strictJson(`${record}.text`, settings.maxDepth), 'event', (event) =>
      sql.bind(sql.membersOf(event), 'members', (members) =>
        [
          `strlen(${record}.text) <= ${settings.maxEventBytes}`,
          `json_type(${event}) = 'OBJECT'`,
          verdict(record, members),
        ].join(' AND '),
      ),
    ),
  );
  return `coalesce(${body}, false)`;
}
