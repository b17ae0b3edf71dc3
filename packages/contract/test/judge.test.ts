import { describe, expect, it } from 'vitest';

import { createContract, type RejectionReason } from '@clicklake/contract';

const contract = createContract();
const appendTime = Date.UTC(2026, 5, 1, 12);
const encoder = new TextEncoder();

function judge(record: unknown): ReturnType<typeof contract.judge> {
  const text = typeof record === 'string' ? record : JSON.stringify(record);
  return contract.judge(encoder.encode(text), appendTime, () => 'from-the-log');
}

function accepted(record: unknown): Record<string, unknown> {
  const judged = judge(record);
  if (!judged.ok) throw new Error(`${judged.field}: ${judged.reason}`);
  return JSON.parse(judged.value) as Record<string, unknown>;
}

function reasonOf(record: unknown): [string | null, RejectionReason] {
  const judged = judge(record);
  if (judged.ok) throw new Error(`accepted: ${judged.value}`);
  return [judged.field, judged.reason];
}

const view = { event_type: 'page_view', user_id: 'u1' };

describe('a foreign producer’s record (S1.1)', () => {
  it('gets the append time as received_at and timestamp, and an id from the caller', () => {
    expect(accepted(view)).toEqual({
      event_id: 'from-the-log',
      user_id: 'u1',
      event_type: 'page_view',
      timestamp: '2026-06-01T12:00:00.000Z',
      received_at: '2026-06-01T12:00:00.000Z',
      schema_version: 1,
    });
  });

  it('keeps the collector’s fields', () => {
    const fields = {
      received_at: '2026-05-01T00:00:00.000Z',
      client_timestamp: '2026-04-01T00:00:00.000Z',
      timestamp: '2026-04-30T00:00:00.000Z',
      source_id: 'shop',
      is_bot: true,
      replay_of: 'clickstream-errors:0:17',
      schema_version: 3,
    };
    expect(accepted({ ...view, ...fields })).toMatchObject(fields);
  });

  it('keeps nobody’s word on where it lies', () => {
    const record = accepted({ ...view, log_offset: 5, event_date: '2020-01-01', processing_timestamp: null });
    expect(JSON.parse(record.properties as string)).toEqual({
      '$client.log_offset': 5,
      '$client.event_date': '2020-01-01',
    });
  });

  it('is not corrected by sent_at, which only the collector does (S2.3)', () => {
    const record = accepted({ ...view, timestamp: '2026-06-01T10:00:00Z', sent_at: '2026-06-01T09:00:00Z' });
    expect(record).toMatchObject({
      timestamp: '2026-06-01T10:00:00.000Z',
      client_timestamp: '2026-06-01T10:00:00.000Z',
      sent_at: '2026-06-01T09:00:00.000Z',
    });
  });

  it('has its age counted from received_at', () => {
    const old = { ...view, timestamp: '2020-06-01T10:00:00Z' };
    expect(reasonOf(old)).toEqual(['timestamp', 'timestamp_out_of_range']);
    expect(accepted({ ...old, received_at: '2020-06-02T00:00:00Z' })).toMatchObject({
      timestamp: '2020-06-01T10:00:00.000Z',
    });
    expect(
      reasonOf({ ...view, timestamp: '1970-01-01T00:00:00Z', received_at: '1971-02-06T00:00:00Z' }),
    ).toEqual(['timestamp', 'timestamp_out_of_range']);
  });

  it('has a timestamp in the future replaced, and kept as the client’s', () => {
    const record = accepted({
      ...view,
      timestamp: '2026-06-01T12:01:00.001Z',
      received_at: '2026-06-01T12:00:00Z',
    });
    expect(record).toMatchObject({
      timestamp: '2026-06-01T12:00:00.000Z',
      client_timestamp: '2026-06-01T12:01:00.001Z',
    });
  });

  it('may nest its properties or give them as text', () => {
    expect(accepted({ ...view, properties: { a: 1 } }).properties).toBe('{"a":1}');
    expect(accepted({ ...view, properties: ' {"a": 1e0}' }).properties).toBe('{"a":1}');
    expect(reasonOf({ ...view, properties: '[1]' })).toEqual(['properties', 'wrong_type']);
    expect(reasonOf({ ...view, properties: 'text' })).toEqual(['properties', 'malformed_json']);
    expect(reasonOf({ ...view, properties: '{"a":1,}' })).toEqual(['properties', 'malformed_json']);
    expect(reasonOf({ ...view, properties: String.raw`{"a":"\ud800"}` })).toEqual([
      'properties',
      'invalid_unicode',
    ]);
    expect(reasonOf({ ...view, properties: '{"a":'.repeat(33) + '1' + '}'.repeat(33) })).toEqual([
      'properties',
      'too_deep',
    ]);
  });

  it('has extra fields in an order that reading and writing again keeps', () => {
    const record = accepted({ ...view, b: 1, 7: 'extra', ['__proto__']: 2, properties: { z: 1, 9: 2 } });
    expect(record.properties).toBe('{"7":"extra","9":2,"z":1,"b":1,"__proto__":2}');
    expect(accepted(record)).toEqual(record);
  });

  it('has no address that is none', () => {
    expect(accepted({ ...view, ip_address: '10.0.0.0' }).ip_address).toBe('10.0.0.0');
    const record = accepted({ ...view, ip_address: 'gone' });
    expect(record).not.toHaveProperty('ip_address');
    expect(record.properties).toBe('{"$client.ip_address":"gone"}');
  });

  it('is refused for a wrong type in the collector’s fields', () => {
    expect(reasonOf({ ...view, is_bot: 'true' })).toEqual(['is_bot', 'wrong_type']);
    expect(reasonOf({ ...view, received_at: 5 })).toEqual(['received_at', 'wrong_type']);
    expect(reasonOf({ ...view, schema_version: 0 })).toEqual(['schema_version', 'out_of_range']);
  });
});

describe('bytes', () => {
  it.each<[string, string, RejectionReason]>([
    ['nothing', '', 'malformed_json'],
    ['no JSON', 'event', 'malformed_json'],
    ['two values', '{} {}', 'malformed_json'],
    ['a byte order mark', `\ufeff${JSON.stringify(view)}`, 'malformed_json'],
    ['an array', '[]', 'not_an_object'],
    [
      'half a surrogate pair in a member that is overwritten',
      String.raw`{"event_type":"page_view","user_id":"\ud800","user_id":"u"}`,
      'invalid_unicode',
    ],
    ['nesting too deep', `${'['.repeat(50_000)}${']'.repeat(50_000)}`, 'too_deep'],
    ['too much', `"${'x'.repeat(262_143)}"`, 'too_large'],
  ])('that are %s are refused', (_what, text, reason) => {
    expect(reasonOf(text)).toEqual([null, reason]);
  });

  it('that are not UTF-8 are refused', () => {
    const bytes = Uint8Array.from([
      ...encoder.encode('{"event_type":"page_view","user_id":"'),
      0xff,
      ...encoder.encode('"}'),
    ]);
    expect(contract.judge(bytes, appendTime)).toMatchObject({ ok: false, reason: 'malformed_json' });
  });

  it('get an id of their own when the caller gives none', () => {
    const bytes = encoder.encode(JSON.stringify(view));
    const [first, second] = [contract.judge(bytes, appendTime), contract.judge(bytes, appendTime)];
    expect(first.ok && first.eventId).toMatch(/^[0-9a-f-]{36}$/);
    expect(second.ok && second.eventId).not.toBe(first.ok && first.eventId);
  });
});

describe('settings', () => {
  it('change the fingerprint, and only they do', () => {
    expect(createContract().fingerprint).toBe(contract.fingerprint);
    expect(createContract({ maxEventAgeDays: 400 }).fingerprint).toBe(contract.fingerprint);
    const others = [{ maxEventAgeDays: 30 }, { maxFutureMs: 0 }, { maxEventBytes: 32_768 }, { maxDepth: 8 }];
    const fingerprints = [contract, ...others.map(createContract)].map(({ fingerprint }) => fingerprint);
    expect(new Set(fingerprints).size).toBe(5);
    expect(contract.fingerprint).toMatch(/^[0-9a-f]{16}$/);
  });

  it.each([{ maxDepth: 0 }, { maxDepth: 101 }, { maxEventAgeDays: 1.5 }, { maxFutureMs: NaN }])(
    '%j is refused',
    (given) => {
      expect(() => createContract(given)).toThrow(
        expect.objectContaining({ code: 'contract-invalid-setting' }),
      );
    },
  );
});
