import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  byteWriter,
  createContract,
  eventText,
  parseEventJson,
  type Contract,
  type EventText,
  type PrepareContext,
  type PreparedText,
} from '@clicklake/contract';

import { clientEvent, damaged, recordText } from './support/arbitraries.ts';
import { clientContext } from './support/context.ts';

const contract = createContract();

/** Different browsers say different things, and some nothing. */
const enrich: PrepareContext['enrich'] = (userAgent) => ({
  deviceType: userAgent.length % 2 === 0 ? 'mobile' : null,
  browser: userAgent === '' ? null : `Browser of ${userAgent.slice(0, 20)}`,
  os: userAgent.length > 3 ? 'Ändroid "7"' : null,
  isBot: userAgent.includes('a'),
});

const requestContext = fc
  .record({
    trustBodyIp: fc.boolean(),
    truncateIp: fc.boolean(),
    clientIp: fc.constantFrom('198.51.100.23', null, 'no address'),
    userAgent: fc.constantFrom('Mozilla/5.0', null),
  })
  .map((given) => clientContext({ ...given, enrich, newEventId: () => 'generated' }));

/** What is written, as `prepare` would say it. */
function writtenBy(event: PreparedText, bytes: Buffer): unknown {
  const { idStart, idEnd, keyStart, keyEnd, valueStart, valueEnd } = event;
  return {
    ok: true,
    eventId: JSON.parse(`"${bytes.toString('utf8', idStart, idEnd)}"`) as unknown,
    key: bytes.toString('utf8', keyStart, keyEnd),
    value: bytes.toString('utf8', valueStart, valueEnd),
  };
}

/** Holds an event to what parsing it says. Returns the index after it, undefined when it must be parsed. */
function expectAsParsed(
  judge: Contract,
  text: EventText,
  from: number,
  context: PrepareContext,
): number | undefined {
  const { used } = text.out;
  const prepared = judge.prepareText(text, from, context);
  if (prepared === undefined) {
    expect(text.out.used).toBe(used);
    return undefined;
  }
  const slice = text.bytes.toString('utf8', from, prepared.end);
  expect(writtenBy(prepared, text.out.bytes)).toEqual(judge.prepare(parseEventJson(slice), context));
  return prepared.end;
}

const recently = fc
  .integer({ min: -86_400_000, max: 120_000 })
  .map((ms) => new Date(Date.UTC(2026, 5, 1, 12) + ms).toISOString());

/** As SDKs send them: times in the canonical form, members in any order, spaces between them or not. */
const ordinary = fc
  .tuple(
    fc.record(
      {
        event_id: fc.uuid(),
        session_id: fc.string(),
        product_id: fc.constantFrom('laptop', null),
        timestamp: recently,
        sent_at: fc.oneof(recently, fc.constant('2026-06-01T12:00:00Z')),
        page_url: fc.webUrl(),
        user_agent: fc.constantFrom('Mozilla/5.0', 'Googlebot', ''),
        device_type: fc.constantFrom('tablet', 'é'),
        ip_address: fc.ipV4(),
        time_on_page: fc.nat(100),
        scroll_depth: fc.nat(101),
        click_coordinates: fc.record({ x: fc.integer(), y: fc.integer() }),
        experiment: fc.oneof(fc.string(), fc.integer()),
        properties: fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 1 })),
      },
      { requiredKeys: ['timestamp'] },
    ),
    fc.constantFrom('user_id', 'anonymous_id'),
    fc.constantFrom('page_view', 'custom'),
    fc.constantFrom(',', ', ', ' ,\n'),
    fc.constantFrom(':', ': ', ' :'),
  )
  .chain(([fields, who, event_type, comma, colon]) =>
    fc
      .shuffledSubarray(Object.entries({ ...fields, [who]: 'someone', event_type, event_name: 'click' }), {
        minLength: 4,
      })
      .map((members) =>
        members.map(([name, value]) => `"${name}"${colon}${JSON.stringify(value)}`).join(comma),
      ),
  )
  .map((members) => `{${members}}`);

const eventJson = fc.oneof(
  ordinary,
  recordText,
  damaged,
  clientEvent.map((event) => JSON.stringify(event)),
  clientEvent.map((event) => JSON.stringify(event, undefined, 1)),
  clientEvent.map((event) => JSON.stringify(event).replaceAll(/\\(?:u[0-9a-f]{4}|.)/g, '')),
);

describe('an event read from the bytes it came in', () => {
  it('is what it would be if it were parsed, or must be parsed', () => {
    let accepted = 0;
    fc.assert(
      fc.property(eventJson, requestContext, fc.constantFrom('', ' ', ',{}', ']'), (json, context, after) => {
        const text = eventText(Buffer.from(`[${json}${after}`), byteWriter(16));
        if (expectAsParsed(contract, text, 1, context) !== undefined) accepted += 1;
      }),
      { numRuns: 4_000 },
    );
    expect(accepted).toBeGreaterThan(1_500);
  });

  it('is so after other events of the same text', () => {
    fc.assert(
      fc.property(fc.array(eventJson, { maxLength: 12 }), requestContext, (events, context) => {
        const text = eventText(Buffer.from(events.map((json) => `${json}\n`).join('')), byteWriter(16));
        let from = 0;
        for (const json of events) {
          expectAsParsed(contract, text, from, context);
          from += Buffer.byteLength(json) + 1;
        }
      }),
      { numRuns: 500 },
    );
  });

  it('is so at the limits of a contract', () => {
    const strict = createContract({ maxEventBytes: 1_024, maxDepth: 3, maxEventAgeDays: 1 });
    const long = fc
      .record({ user_id: fc.string(), page_url: fc.string({ minLength: 600, maxLength: 900 }) })
      .map((fields) => JSON.stringify({ event_type: 'page_view', ...fields }));
    let accepted = 0;
    fc.assert(
      fc.property(fc.oneof(eventJson, long), requestContext, (json, context) => {
        const text = eventText(Buffer.from(json), byteWriter(16));
        if (expectAsParsed(strict, text, 0, context) !== undefined) accepted += 1;
      }),
      { numRuns: 2_000 },
    );
    expect(accepted).toBeGreaterThan(200);
  });

  it('need not be parsed when `prepare` accepts it, but for rare names', () => {
    let all = 0;
    let read = 0;
    fc.assert(
      fc.property(clientEvent, (event) => {
        const context = clientContext();
        if (!contract.prepare(event, context).ok) return;
        all += 1;
        const text = eventText(Buffer.from(JSON.stringify(event)), byteWriter(16));
        if (contract.prepareText(text, 0, context) !== undefined) read += 1;
      }),
      { numRuns: 500 },
    );
    expect(read).toBeGreaterThan(all * 0.5);
  });

  it.each([
    ['no object', '[1]'],
    ['a name twice', '{"event_type":"page_view","user_id":"a","user_id":"b"}'],
    ['an unknown name twice', '{"event_type":"page_view","user_id":"a","x":1,"x":2}'],
    ['an escaped name', String.raw`{"event_type":"page_view","user\u005fid":"a"}`],
    ['a name that JavaScript puts first', '{"event_type":"page_view","user_id":"a","x":1,"7":2}'],
    ['what is rejected', '{"event_type":"page_view"}'],
    ['what ends too early', '{"event_type":"page_view","user_id":"a"'],
    ['absurd nesting', `{"event_type":"page_view","user_id":"a","x":${'['.repeat(2_000_000)}`],
  ])('must be parsed: %s', (_name, json) => {
    const text = eventText(Buffer.from(json), byteWriter(16));
    expect(contract.prepareText(text, 0, clientContext())).toBeUndefined();
  });
});
