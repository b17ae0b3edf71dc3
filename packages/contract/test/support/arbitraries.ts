import fc from 'fast-check';

import { eventFields } from '@clicklake/contract';

/** Well-formed text with what tends to break readers: escapes, NUL, the last code points, emoji. */
export const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom(
    '',
    '\u0000',
    'a\u0000b',
    '"',
    '\\',
    '\\u0041',
    '\n',
    '\r\n',
    '\u2028',
    '\ufeff',
    '\uffff',
    '😀',
    '𐀀',
    'é',
  ),
);

const year = fc.oneof(
  fc.constantFrom(0, 1, 1900, 1969, 1970, 2000, 2023, 2024, 2025, 2026, 9999),
  fc.nat(9999),
);
const pad = (n: number, width: number): string => String(n).padStart(width, '0');

/** Texts that are times, or nearly. */
export const timeText = fc
  .tuple(
    year,
    fc.integer({ min: 0, max: 13 }),
    fc.oneof(fc.integer({ min: 0, max: 32 }), fc.integer({ min: 1, max: 28 })),
    fc.constantFrom('T', 'T', 'T', 't', ' ', '_', ''),
    fc.integer({ min: 0, max: 24 }),
    fc.oneof(fc.integer({ min: 0, max: 59 }), fc.constant(60)),
    fc.constantFrom(
      '',
      ':00',
      ':59',
      ':60',
      ':07.1',
      ':07.12',
      ':59.999',
      ':59.9999999',
      ':07.123456789',
      ':07.1234567890',
      ':07.',
      ':7',
      '.5',
    ),
    fc.constantFrom(
      '',
      'Z',
      'Z',
      'z',
      '+00:00',
      '-00:00',
      '+02',
      '+0530',
      '-12:45',
      '+23:59',
      '+24:00',
      '+2',
      '+02:60',
      ' Z',
      'ZZ',
      '\n',
      '+05:3',
      '\u0000',
    ),
  )
  .map(
    ([y, month, day, separator, hours, minutes, seconds, offset]) =>
      `${pad(y, 4)}-${pad(month, 2)}-${pad(day, 2)}${separator}${pad(hours, 2)}:${pad(minutes, 2)}${seconds}${offset}`,
  );

const numberTokens = [
  ...[
    '0',
    '-0',
    '1',
    '42',
    '100',
    '101',
    '-1',
    '1.0',
    '100.0',
    '0.5',
    '1e2',
    '1E+2',
    '1e3',
    '100e-2',
    '1e400',
    '-1e400',
  ],
  ...[
    '1e-400',
    '9007199254740991',
    '9007199254740992',
    '9007199254740993',
    '-9007199254740991',
    '9007199254740991.4',
  ],
  ...[
    '12345678901234567890',
    '123456789012345678901234567890',
    '100.0000000000000000001',
    '2147483647',
    '2147483648',
  ],
  ...[
    '2147483647.0000000001',
    '18446744073709551615',
    '-9223372036854775808',
    '1e22',
    '0.1',
    '1.7976931348623157e308',
  ],
];
const brokenTokens = [
  'NaN',
  '-NaN',
  'Infinity',
  '-Infinity',
  'nan',
  'inf',
  '01',
  '1.',
  '.5',
  '+1',
  '0x10',
  '1e',
  'nul',
  "'a'",
  '',
  '//',
  '[1,]',
  '{"a":1,}',
  '[,]',
];
const stringTokens = [
  ...[
    String.raw`"\ud83d\ude00"`,
    String.raw`"\uD83D"`,
    String.raw`"\ude00"`,
    String.raw`"\ud83d\ud83d\ude00"`,
    String.raw`"\\ud83d"`,
  ],
  ...[
    String.raw`"\u0000"`,
    String.raw`"\u00e9"`,
    String.raw`"\/"`,
    String.raw`"\x"`,
    '"\t"',
    '"a',
    String.raw`"\u12"`,
    '"NaN"',
    '"a,]"',
    '"[[[["',
  ],
];

function nested(depth: number, open: string, close: string): string {
  return open.repeat(depth) + close.repeat(depth);
}

const deepToken = fc
  .tuple(fc.integer({ min: 28, max: 35 }), fc.boolean())
  .map(([depth, objects]) =>
    objects ? `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}` : nested(depth, '[', ']'),
  );

const jsonToken = fc.oneof(
  { weight: 4, arbitrary: fc.json({ maxDepth: 3, stringUnit: 'binary' }) },
  { weight: 3, arbitrary: fc.constantFrom(...numberTokens) },
  { weight: 1, arbitrary: fc.constantFrom(...brokenTokens) },
  { weight: 2, arbitrary: fc.constantFrom(...stringTokens) },
  { weight: 1, arbitrary: deepToken },
  { weight: 2, arbitrary: fc.constantFrom('null', 'true', 'false', '{}', '[]', '""') },
);

const propertiesToken = fc.oneof(
  fc.dictionary(text, fc.jsonValue({ maxDepth: 2 })).map((value) => JSON.stringify(value)),
  jsonToken,
  jsonToken.map((token) => JSON.stringify(token)),
  jsonToken.map((token) => JSON.stringify(`{"a":${token}}`)),
);

const pointToken = fc
  .array(
    fc.tuple(fc.constantFrom('x', 'y', 'x', 'y', 'z'), fc.oneof(fc.constantFrom(...numberTokens), jsonToken)),
    { maxLength: 4 },
  )
  .map((members) => `{${members.map(([name, token]) => `"${name}":${token}`).join(',')}}`);

/** A JSON text for the field that is often right. */
function tokenFor(name: string): fc.Arbitrary<string> {
  const field = eventFields.find((candidate) => candidate.name === name);
  const quoted = fc.oneof(
    text.map((value) => JSON.stringify(value)),
    fc
      .tuple(fc.constantFrom('a', 'é', '€', '😀'), fc.constantFrom(-1, 0, 1), fc.constantFrom(1, 2, 3, 4))
      .map(([unit, off, width]) =>
        JSON.stringify(unit.repeat(Math.max(0, Math.floor((field?.maxBytes ?? 9) / width) + off))),
      ),
  );
  const number = fc.oneof(fc.constantFrom(...numberTokens), fc.integer({ min: -2, max: 102 }).map(String));
  if (field === undefined) return jsonToken;
  switch (field.type) {
    case 'string':
      if (name === 'properties') return propertiesToken;
      return field.values === undefined
        ? quoted
        : fc.constantFrom(...field.values).map((value) => JSON.stringify(value));
    case 'timestamp':
      return timeText.map((value) => JSON.stringify(value));
    case 'boolean':
      return fc.constantFrom('true', 'false');
    case 'point':
      return pointToken;
    default:
      return number;
  }
}

const recentTimes = [
  '2026-06-01T11:59:59Z',
  '2026-05-01 12:00:00.123456+02:00',
  '2025-04-27T12:00:00Z',
  '2026-06-01T12:30',
];

/** A JSON text that is right for the field, at least at noon of 1 June 2026. */
function validToken(name: string): fc.Arbitrary<string> {
  const field = eventFields.find((candidate) => candidate.name === name);
  const quoted = (values: fc.Arbitrary<unknown>): fc.Arbitrary<string> =>
    values.map((value) => JSON.stringify(value));
  if (name === 'properties') return quoted(fc.constantFrom({}, { a: [1] }, '{"a":1}'));
  if (field?.values !== undefined) return quoted(fc.constantFrom(...field.values));
  switch (field?.type) {
    case 'timestamp':
      return quoted(fc.constantFrom(...recentTimes));
    case 'boolean':
      return fc.constantFrom('true', 'false');
    case 'point':
      return quoted(fc.constantFrom({ x: 0, y: -7 }, { x: 1, y: 2, z: 3 }));
    case 'long':
    case 'integer':
      return fc.constantFrom('1', '100', '5e0', '1.0', '1e2');
    default:
      return quoted(fc.constantFrom('a', 'é', 'signup', '😀'));
  }
}

const fieldNames = eventFields.map(({ name }) => name);
const memberName = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom(...fieldNames) },
  {
    weight: 1,
    arbitrary: fc.oneof(
      text,
      fc.constantFrom('__proto__', 'constructor', 'toString', 'rawJSON', 'EVENT_TYPE', '1'),
    ),
  },
);

const member = memberName.chain((name) =>
  fc
    .oneof(
      { weight: 14, arbitrary: validToken(name) },
      { weight: 5, arbitrary: tokenFor(name) },
      { weight: 1, arbitrary: jsonToken },
    )
    .map((token) => `${JSON.stringify(name)}:${token}`),
);

/** JSON texts of records that are valid, or nearly: members may repeat, tokens may be broken. */
export const recordText = fc
  .tuple(
    fc.constantFrom(
      '"event_type":"page_view"',
      '"event_type":"custom"',
      '"event_type":"purchase"',
      String.raw`"event\u005ftype":"checkout"`,
    ),
    fc.constantFrom('"user_id":"u1"', '"anonymous_id":"a1"', '"user_id":"u1"', '"user_id":null'),
    fc.array(member, { maxLength: 6 }),
    fc.oneof(
      { weight: 9, arbitrary: fc.constantFrom('', ' ', '\n') },
      { weight: 1, arbitrary: fc.constantFrom('\u0000', ',', '}', '\ufeff') },
    ),
  )
  .chain(([type, user, members, tail]) =>
    fc
      .shuffledSubarray([type, user, ...members], { minLength: members.length + 1 })
      .map((all) => `{${all.join(',')}}${tail}`),
  );

/** A text with a few characters of it replaced, doubled or gone. */
export const damaged = fc
  .tuple(recordText, fc.nat(), fc.constantFrom('', '"', ',', '[', '}', '\\', '0', ' ', '\u0000'))
  .map(([whole, position, replacement]) => {
    const at = position % (whole.length + 1);
    return (whole.slice(0, at) + replacement + whole.slice(at + 1)).toWellFormed();
  });

/** Values a client may send, as parsed: mostly events. */
export const clientEvent = fc
  .tuple(
    fc.record(
      {
        event_id: text.filter((value) => value !== ''),
        session_id: text,
        product_id: text,
        page_url: text,
        referrer: text,
        country: text,
        user_agent: text,
        ip_address: fc.oneof(fc.ipV4(), fc.ipV6(), text),
        time_on_page: fc.integer({ min: 0, max: 2_147_483_647 }),
        scroll_depth: fc.integer({ min: 0, max: 100 }),
        click_coordinates: fc.record({ x: fc.maxSafeInteger(), y: fc.maxSafeInteger() }),
        properties: fc.dictionary(text, fc.jsonValue({ maxDepth: 3, stringUnit: 'binary' }), {
          noNullPrototype: true,
        }),
        sent_at: fc.constantFrom('2026-06-01T12:00:00Z', '2026-06-01T11:00:00.5', '2001-01-01T00:00:00Z'),
        timestamp: fc.constantFrom(
          '2026-06-01T11:59:59Z',
          '2026-05-01 11:59:59.123456+02:00',
          '2026-06-01T12:30Z',
        ),
        received_at: fc.constant('2020-01-01T00:00:00Z'),
        is_bot: fc.boolean(),
        replay_of: text,
      },
      { requiredKeys: [], noNullPrototype: true },
    ),
    fc.dictionary(text, fc.jsonValue({ maxDepth: 2 }), { noNullPrototype: true, maxKeys: 4 }),
    fc.constantFrom('page_view', 'product_view', 'purchase'),
    fc.oneof(
      text.filter((value) => value !== ''),
      fc.constant(null),
    ),
  )
  .map(([fields, extra, event_type, user]) => ({
    ...extra,
    ...fields,
    event_type,
    user_id: user,
    anonymous_id: user === null ? 'anon' : null,
  }));
