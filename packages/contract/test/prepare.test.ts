import { describe, expect, it } from 'vitest';

import {
  createContract,
  eventTypes,
  parseEventJson,
  type PrepareContext,
  type RejectionReason,
} from '@clicklake/contract';

import { clientContext } from './support/context.ts';

const contract = createContract();
const view = { event_type: 'page_view', user_id: 'u1' };

/** The record that the contract makes of an event, its properties parsed. */
function accepted(event: unknown, given: Partial<PrepareContext> = {}): Record<string, unknown> {
  const prepared = contract.prepare(event, clientContext(given));
  if (!prepared.ok) throw new Error(`${prepared.field}: ${prepared.reason}`);
  const record = JSON.parse(prepared.value) as Record<string, unknown>;
  if (typeof record.properties === 'string') record.properties = JSON.parse(record.properties);
  return record;
}

function rejected(
  event: unknown,
  given: Partial<PrepareContext> = {},
): { field: string | null; reason: RejectionReason } {
  const prepared = contract.prepare(event, clientContext(given));
  if (prepared.ok) throw new Error(`accepted: ${prepared.value}`);
  expect(prepared.message).not.toBe('');
  return { field: prepared.field, reason: prepared.reason };
}

describe('a full event', () => {
  it('becomes one canonical text in the contract’s order (S1.1)', () => {
    const prepared = contract.prepare(
      {
        properties: { plan: 'pro' },
        click_coordinates: { y: -5, x: 10 },
        scroll_depth: 100,
        time_on_page: 0,
        event_type: 'custom',
        event_name: 'signed "up"',
        anonymous_id: 'a1',
        event_id: 'e1',
        session_id: null,
        timestamp: '2026-06-01T11:59:00+00:00',
        user_agent: 'agent',
        browser: 'Own browser',
      },
      clientContext(),
    );
    expect(prepared).toEqual({
      ok: true,
      eventId: 'e1',
      key: 'a1',
      value:
        '{"event_id":"e1","anonymous_id":"a1","event_type":"custom","event_name":"signed \\"up\\"",' +
        '"timestamp":"2026-06-01T11:59:00.000Z","user_agent":"agent","ip_address":"198.51.100.23",' +
        '"device_type":"mobile","browser":"Own browser","os":"Android","time_on_page":0,"scroll_depth":100,' +
        '"click_coordinates":{"x":10,"y":-5},"properties":"{\\"plan\\":\\"pro\\"}",' +
        '"client_timestamp":"2026-06-01T11:59:00.000Z","received_at":"2026-06-01T12:00:00.000Z",' +
        '"source_id":"web","is_bot":false,"schema_version":1}',
    });
  });

  it('is keyed by user_id, else anonymous_id (S1.2)', () => {
    const key = (event: object): unknown => {
      const prepared = contract.prepare({ event_type: 'page_view', ...event }, clientContext());
      return prepared.ok ? prepared.key : null;
    };
    expect(key({ user_id: 'u', anonymous_id: 'a' })).toBe('u');
    expect(key({ user_id: null, anonymous_id: 'a' })).toBe('a');
  });
});

describe('what is required (S2.1)', () => {
  it.each(eventTypes.filter((type) => type !== 'custom'))('%s needs nothing but a user', (event_type) => {
    expect(accepted({ event_type, anonymous_id: 'a' }).event_type).toBe(event_type);
  });

  it.each<[unknown, string | null, RejectionReason]>([
    [null, null, 'not_an_object'],
    [[view], null, 'not_an_object'],
    ['text', null, 'not_an_object'],
    [7, null, 'not_an_object'],
    [parseEventJson('12345678901234567890'), null, 'not_an_object'],
    [{}, 'event_type', 'missing_field'],
    [{ user_id: 'u1' }, 'event_type', 'missing_field'],
    [{ event_type: null, user_id: 'u1' }, 'event_type', 'missing_field'],
    [{ event_type: 'page_view' }, 'user_id', 'missing_field'],
    [{ event_type: 'page_view', user_id: null, anonymous_id: null }, 'user_id', 'missing_field'],
    [{ ...view, event_type: 'custom' }, 'event_name', 'missing_field'],
    [{ ...view, event_type: 'PAGE_VIEW' }, 'event_type', 'unknown_event_type'],
    [{ ...view, event_type: 1 }, 'event_type', 'wrong_type'],
    [{ ...view, event_type: 'custom', event_name: '' }, 'event_name', 'too_short'],
    [{ ...view, event_id: '' }, 'event_id', 'too_short'],
    [{ ...view, event_id: 'x'.repeat(129) }, 'event_id', 'too_long'],
    [{ ...view, event_id: 'é'.repeat(65) }, 'event_id', 'too_long'],
    [{ ...view, user_id: '' }, 'user_id', 'too_short'],
  ])('refuses %j: %s %s', (event, field, reason) => {
    expect(rejected(event)).toEqual({ field, reason });
  });

  it('takes event ids of 1 to 128 bytes as they are, and generates a missing one', () => {
    for (const id of ['x', 'x'.repeat(128), 'é'.repeat(64), ' ', '\u0000']) {
      expect(accepted({ ...view, event_id: id }).event_id).toBe(id);
    }
    expect(accepted(view).event_id).toBe('generated-1');
    expect(accepted({ ...view, event_id: null }).event_id).toBe('generated-1');
  });

  it('names the event id in a rejection when it is valid', () => {
    const idOf = (event: unknown): unknown => {
      const prepared = contract.prepare(event, clientContext());
      return prepared.ok ? undefined : prepared.eventId;
    };
    expect(idOf({ event_type: 'nope', event_id: 'e1' })).toBe('e1');
    expect(idOf({ event_type: 'nope', event_id: '' })).toBeNull();
    expect(idOf({ event_type: 'nope', event_id: 5 })).toBeNull();
    expect(idOf('text')).toBeNull();
  });
});

describe('no coercion (S2.1)', () => {
  it.each<[object, string, RejectionReason]>([
    [{ time_on_page: '12' }, 'time_on_page', 'wrong_type'],
    [{ time_on_page: 1.5 }, 'time_on_page', 'wrong_type'],
    [{ time_on_page: true }, 'time_on_page', 'wrong_type'],
    [{ time_on_page: -1 }, 'time_on_page', 'out_of_range'],
    [{ time_on_page: 2_147_483_648 }, 'time_on_page', 'out_of_range'],
    [{ scroll_depth: 101 }, 'scroll_depth', 'out_of_range'],
    [{ user_id: 7 }, 'user_id', 'wrong_type'],
    [{ page_url: {} }, 'page_url', 'wrong_type'],
    [{ page_url: 'x'.repeat(8193) }, 'page_url', 'too_long'],
    [{ properties: '{}' }, 'properties', 'wrong_type'],
    [{ properties: [] }, 'properties', 'wrong_type'],
    [{ properties: 1 }, 'properties', 'wrong_type'],
    [{ click_coordinates: [1, 2] }, 'click_coordinates', 'wrong_type'],
    [{ click_coordinates: { x: 1 } }, 'click_coordinates.y', 'missing_field'],
    [{ click_coordinates: { x: 1, y: null } }, 'click_coordinates.y', 'missing_field'],
    [{ click_coordinates: { x: '1', y: 2 } }, 'click_coordinates.x', 'wrong_type'],
    [{ click_coordinates: { x: 2 ** 53, y: 2 } }, 'click_coordinates.x', 'out_of_range'],
    [{ timestamp: 1_780_315_200_000 }, 'timestamp', 'wrong_type'],
    [{ timestamp: 'yesterday' }, 'timestamp', 'timestamp_invalid'],
    [{ sent_at: '2026-06-31T00:00:00Z' }, 'sent_at', 'timestamp_invalid'],
    [{ sent_at: '1969-12-31T23:59:59Z' }, 'sent_at', 'timestamp_out_of_range'],
  ])('refuses %j', (fields, field, reason) => {
    expect(rejected({ ...view, ...fields })).toEqual({ field, reason });
  });

  it('reads every spelling of a whole number, as JSON knows one kind of number', () => {
    const event = parseEventJson(
      '{"event_type":"page_view","user_id":"u","scroll_depth":1e2,"time_on_page":5.0}',
    );
    expect(accepted(event)).toMatchObject({ scroll_depth: 100, time_on_page: 5 });
    expect(accepted({ ...view, scroll_depth: -0 })).toMatchObject({ scroll_depth: 0 });
  });

  it('takes null for absent', () => {
    const record = accepted({
      ...view,
      page_url: null,
      properties: null,
      timestamp: null,
      click_coordinates: null,
    });
    expect(Object.keys(record)).toEqual(Object.keys(accepted(view)));
  });

  it('refuses halves of surrogate pairs wherever they stand', () => {
    const half = '\ud83d';
    expect(rejected({ ...view, page_url: half })).toEqual({ field: 'page_url', reason: 'invalid_unicode' });
    expect(rejected({ ...view, more: { a: [half] } })).toEqual({ field: 'more', reason: 'invalid_unicode' });
    expect(rejected({ ...view, properties: { [half]: 1 } })).toEqual({
      field: 'properties',
      reason: 'invalid_unicode',
    });
  });

  it('refuses what is nested too deep or too large', () => {
    const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)]);
    expect(accepted({ ...view, more: nested(31) }).properties).toEqual({ more: nested(31) });
    expect(rejected({ ...view, more: nested(32) })).toEqual({ field: 'more', reason: 'too_deep' });
    expect(accepted({ ...view, properties: { a: nested(30) } }).properties).toEqual({ a: nested(30) });
    expect(rejected({ ...view, properties: { a: nested(31) } })).toEqual({
      field: 'properties',
      reason: 'too_deep',
    });
    expect(rejected({ ...view, more: parseEventJson('['.repeat(100_000) + ']'.repeat(100_000)) })).toEqual({
      field: 'more',
      reason: 'too_deep',
    });
    expect(rejected({ ...view, more: 'x'.repeat(262_144) })).toEqual({ field: null, reason: 'too_large' });
  });
});

describe('properties (S1.4)', () => {
  it('holds what the contract does not know, nulls included', () => {
    const { properties } = accepted({ ...view, plan: 'pro', empty: null, list: [{ a: 1 }], Event_Type: 'x' });
    expect(properties).toEqual({ plan: 'pro', empty: null, list: [{ a: 1 }], Event_Type: 'x' });
  });

  it('gives an extra field another name when its own is taken', () => {
    const { properties } = accepted({
      ...view,
      plan: 2,
      properties: { plan: 1, '$extra.other': 3, other: 4 },
      other: 5,
    });
    expect(properties).toEqual({
      plan: 1,
      '$extra.other': 3,
      other: 4,
      '$extra.plan': 2,
      '$extra.$extra.other': 5,
    });
  });

  it('keeps the server’s fields apart when a client sends them', () => {
    const claimed = {
      received_at: '2020-01-01T00:00:00Z',
      processing_timestamp: 1,
      event_date: '2020-01-01',
      log_topic: 't',
      log_partition: 9,
      log_offset: 9,
      is_bot: true,
      source_id: 'other',
      client_timestamp: '2020-01-01T00:00:00Z',
      replay_of: 'a:0:1',
      schema_version: 99,
    };
    const record = accepted({ ...view, ...claimed });
    expect(record.properties).toEqual(
      Object.fromEntries(Object.entries(claimed).map(([name, value]) => [`$client.${name}`, value])),
    );
    expect(record).toMatchObject({
      received_at: '2026-06-01T12:00:00.000Z',
      is_bot: false,
      source_id: 'web',
      schema_version: 1,
    });
    expect(record).not.toHaveProperty('replay_of');
  });

  it('keeps further members of the click coordinates', () => {
    const record = accepted({ ...view, click_coordinates: { x: 1, y: 2, target: 'buy' } });
    expect(record).toMatchObject({
      click_coordinates: { x: 1, y: 2 },
      properties: { 'click_coordinates.target': 'buy' },
    });
  });

  it('keeps numbers digit for digit', () => {
    const event = parseEventJson(
      '{"event_type":"page_view","user_id":"u","order":12345678901234567890,"properties":{"a":[0.12345678901234567890]}}',
    );
    const prepared = contract.prepare(event, clientContext());
    expect(prepared.ok && prepared.value).toContain(
      String.raw`{\"a\":[0.12345678901234567890],\"order\":12345678901234567890}`,
    );
  });
});

describe('timestamp (S2.3)', () => {
  const times = (fields: object): unknown[] => {
    const record = accepted({ ...view, ...fields });
    return [record.timestamp, record.client_timestamp, record.sent_at];
  };
  const received = '2026-06-01T12:00:00.000Z';

  it('is the time of receipt when missing', () => {
    expect(times({})).toEqual([received, undefined, undefined]);
    expect(times({ sent_at: '2026-06-01T11:00:00Z' })).toEqual([
      received,
      undefined,
      '2026-06-01T11:00:00.000Z',
    ]);
  });

  it('is corrected by received_at − sent_at, the client’s own kept', () => {
    expect(times({ timestamp: '2026-06-01T10:00:00Z', sent_at: '2026-06-01T10:30:00Z' })).toEqual([
      '2026-06-01T11:30:00.000Z',
      '2026-06-01T10:00:00.000Z',
      '2026-06-01T10:30:00.000Z',
    ]);
    // A clock that starts at 1970 is corrected, too.
    expect(times({ timestamp: '1970-01-01T00:00:10Z', sent_at: '1970-01-01T00:01:00.5Z' })[0]).toBe(
      '2026-06-01T11:59:09.500Z',
    );
  });

  it('is the time of receipt when it would be more than a minute later', () => {
    expect(times({ timestamp: '2026-06-01T12:01:00.000Z' })[0]).toBe('2026-06-01T12:01:00.000Z');
    expect(times({ timestamp: '2026-06-01T12:01:00.001Z' })).toEqual([
      received,
      '2026-06-01T12:01:00.001Z',
      undefined,
    ]);
    expect(times({ timestamp: '2026-06-01T11:00:00Z', sent_at: '2026-06-01T10:00:00Z' })[0]).toBe(received);
    expect(times({ timestamp: '9999-12-31T23:59:59Z' })[0]).toBe(received);
  });

  it('may be 400 days old, and no more', () => {
    expect(times({ timestamp: '2025-04-27T12:00:00.000Z' })[0]).toBe('2025-04-27T12:00:00.000Z');
    expect(rejected({ ...view, timestamp: '2025-04-27T11:59:59.999Z' })).toEqual({
      field: 'timestamp',
      reason: 'timestamp_out_of_range',
    });
    // 400 days as corrected: the client's clock is a day behind.
    expect(times({ timestamp: '2025-04-26T12:00:00Z', sent_at: '2026-05-31T12:00:00Z' })[0]).toBe(
      '2025-04-27T12:00:00.000Z',
    );
  });
});

describe('the user agent (S1.1, S2.1)', () => {
  it('is the event’s own, else the header’s, and is asked only for what the client left open', () => {
    const enrich = (agent: string) => ({
      deviceType: `type of ${agent}`,
      browser: null,
      os: 'OS',
      isBot: agent === 'bot',
    });
    expect(
      accepted({ ...view, user_agent: 'bot', os: 'own' }, { enrich, userAgent: 'header' }),
    ).toMatchObject({
      user_agent: 'bot',
      device_type: 'type of bot',
      os: 'own',
      is_bot: true,
    });
    expect(accepted(view, { enrich, userAgent: 'header' })).toMatchObject({
      user_agent: 'header',
      is_bot: false,
    });
    expect(accepted(view, { enrich })).not.toHaveProperty('device_type');
  });

  it('of a header never costs the event, however long it is', () => {
    const record = accepted(view, { userAgent: '€'.repeat(1_000) });
    expect(record.user_agent).toBe('€'.repeat(682));
  });
});

describe('ip_address (S1.4)', () => {
  const body = { ...view, ip_address: '203.0.113.77' };

  it('from the body counts only with a server-side key', () => {
    expect(accepted(body, { trustBodyIp: true })).toMatchObject({ ip_address: '203.0.113.77' });
    expect(accepted(body)).toMatchObject({
      ip_address: '198.51.100.23',
      properties: { '$client.ip_address': '203.0.113.77' },
    });
  });

  it('is truncated everywhere when truncation is on', () => {
    const truncateIp = true;
    expect(accepted(body, { truncateIp, trustBodyIp: true })).toMatchObject({ ip_address: '203.0.113.0' });
    expect(accepted(body, { truncateIp })).toMatchObject({
      ip_address: '198.51.100.0',
      properties: { '$client.ip_address': '203.0.113.0' },
    });
    const list = accepted(
      { ...view, ip_address: '203.0.113.77, 10.0.0.1' },
      { truncateIp, trustBodyIp: true },
    );
    expect(JSON.stringify(list)).not.toContain('203.0.113');
  });

  it('is an address or nothing', () => {
    expect(accepted({ ...view, ip_address: 'me' }, { trustBodyIp: true, clientIp: null })).toMatchObject({
      properties: { '$client.ip_address': 'me' },
    });
    expect(accepted(view, { clientIp: 'unknown' })).not.toHaveProperty('ip_address');
  });
});
