/**
 * The vocabulary of the DuckDB predicate. Arguments named `value` are SQL expressions of type JSON; every
 * expression made here is total: it never raises an error.
 */

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** `let name = value in body`: a lambda over a list of one, because SQL has no other. */
export function bind(value: string, name: string, body: (name: string) => string): string {
  return `list_transform([${value}], lambda ${name}: ${body(name)})[1]`;
}

const stringToken = String.raw`"(?:[^"\\]|\\.)*"`;
/** What DuckDB's parser takes beyond JSON: a comma before a closing bracket, NaN and infinities. */
const beyondJson = String.raw`,\s*[\]}]|[nN][aA][nN]|[iI][nN][fF]`;

/** Matches brackets, with everything else taken out, that nest no deeper than `maxDepth`. */
function nestingPattern(maxDepth: number): string {
  return `${String.raw`(?:[\[{]`.repeat(maxDepth)}${String.raw`[\]}])*`.repeat(maxDepth)}`;
}

/** The text as JSON, or JSON's null when it is no JSON by RFC 8259 or nested too deep. */
export function strictJson(text: string, maxDepth: number): string {
  const bracketsOf = (rest: string): string =>
    `regexp_replace(${rest}, ${literal(String.raw`[^\[\]{}]+`)}, '', 'g')`;
  const strict = bind(`regexp_replace(${text}, ${literal(stringToken)}, '0', 'g')`, 'rest', (rest) =>
    [
      `NOT regexp_matches(${rest}, ${literal(beyondJson)})`,
      `regexp_full_match(${bracketsOf(rest)}, ${literal(nestingPattern(maxDepth))})`,
    ].join(' AND '),
  );
  return `CAST(CASE WHEN json_valid(${text}) AND ${strict} THEN ${text} ELSE 'null' END AS JSON)`;
}

/** Names and values of an object, last first: of members with one name the last one counts, as in JavaScript. */
export function membersOf(value: string): string {
  return `{'names': list_reverse(json_keys(${value})), 'items': list_reverse(json_extract(${value}, '$.*'))}`;
}

/** The member of that name, NULL when there is none. `members` is a result of `membersOf`. */
export function member(members: string, name: string): string {
  return `${members}.items[list_position(${members}.names, ${literal(name)})]`;
}

export function isPresent(value: string): string {
  return `coalesce(json_type(${value}) <> 'NULL', false)`;
}

/** The text of a JSON string, NULL of anything else. */
export function textOf(value: string): string {
  return `CASE json_type(${value}) WHEN 'VARCHAR' THEN json_extract_string(${value}, '$') END`;
}

export function isText(value: string, minBytes: number, maxBytes: number | null): string {
  const upper = maxBytes === null ? '' : ` AND strlen(${textOf(value)}) <= ${maxBytes}`;
  return `strlen(${textOf(value)}) >= ${minBytes}${upper}`;
}

export function isOneOf(value: string, values: readonly string[]): string {
  return `${textOf(value)} IN (${values.map(literal).join(', ')})`;
}

/** A whole number within bounds, judged by its double as in JavaScript. */
export function isInteger(value: string, bounds: { readonly min?: number; readonly max?: number }): string {
  const number = `CASE WHEN json_type(${value}) IN ('BIGINT', 'UBIGINT', 'HUGEINT', 'DOUBLE') THEN TRY_CAST(CAST(${value} AS VARCHAR) AS DOUBLE) END`;
  return bind(number, 'n', (n) =>
    [
      `${n} = trunc(${n})`,
      ...(bounds.min === undefined ? [] : [`${n} >= ${bounds.min}`]),
      ...(bounds.max === undefined ? [] : [`${n} <= ${bounds.max}`]),
    ].join(' AND '),
  );
}

/** The grammar of `timestamp.ts` with a group for each part of `timestampParts`. */
const timestampGrammar =
  String.raw`^([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([01][0-9]|2[0-3]):([0-5][0-9])` +
  String.raw`(?::([0-5][0-9])(?:\.([0-9]{1,9}))?)?` +
  String.raw`(?:[Zz]|([+-])([01][0-9]|2[0-3])(?::?([0-5][0-9]))?)?$`;
const timestampParts = [
  'day',
  'hours',
  'minutes',
  'seconds',
  'fraction',
  'sign',
  'offset_hours',
  'offset_minutes',
];

/** Milliseconds since the epoch of a JSON string that is a time, else NULL. */
export function milliseconds(value: string): string {
  const parts = `regexp_extract(${textOf(value)}, ${literal(timestampGrammar)}, [${timestampParts.map(literal).join(', ')}])`;
  return bind(parts, 'part', (part) => {
    const number = (name: string): string => `coalesce(TRY_CAST(${part}.${name} AS BIGINT), 0)`;
    const offset = `(${number('offset_hours')} * 60 + ${number('offset_minutes')}) * 60000`;
    return [
      `epoch_ms(CAST(TRY_CAST(${part}.day AS DATE) AS TIMESTAMP))`,
      `(${number('hours')} * 60 + ${number('minutes')}) * 60000`,
      `${number('seconds')} * 1000`,
      `coalesce(TRY_CAST(left(rpad(${part}.fraction, 3, '0'), 3) AS BIGINT), 0)`,
      `CASE ${part}.sign WHEN '-' THEN ${offset} ELSE -(${offset}) END`,
    ].join(' + ');
  });
}
