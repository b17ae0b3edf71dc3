import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createContract, type PrepareContext, type ReplayOrigin } from '@clicklake/contract';
import { clientEvent } from './support/arbitraries.ts';

const contract = createContract();
const day = 86_400_000;
const received = Date.UTC(2026, 0, 10, 12);
const replayed = received + 60 * day;

const context: PrepareContext = {
  receivedAt: replayed,
  sourceId: 'web',
  clientIp: null,
  trustBodyIp: false,
  truncateIp: false,
  userAgent: null,
  enrich: (userAgent) => ({ deviceType: null, browser: userAgent, os: null, isBot: userAgent === 'bot' }),
  newEventId: () => 'never needed',
};
const origin: ReplayOrigin = {
  of: 'clickstream-errors:0:7',
  eventId: null,
  receivedAt: received,
  form: 'event',
  settled: false,
};
const view = { event_type: 'page_view', user_id: 'u1' };

function replay(event: unknown, more: Partial<ReplayOrigin> = {}): Record<string, unknown> {
  const prepared = contract.prepareReplay(event, context, { ...origin, ...more });
  if (!prepared.ok) throw new Error(`${prepared.field}: ${prepared.reason}`);
  const again = contract.judge(Buffer.from(prepared.value), replayed);
  expect(again).toEqual(prepared);
  return JSON.parse(prepared.value) as Record<string, unknown>;
}

describe('a replay of what a client sent (S8)', () => {
  it('bears the time of its append, its origin, and an id that repeating it does not change', () => {
    expect(replay(view)).toEqual({
      ...view,
      event_id: 'dl:clickstream-errors:0:7',
      timestamp: '2026-01-10T12:00:00.000Z',
      received_at: '2026-03-11T12:00:00.000Z',
      source_id: 'web',
      is_bot: false,
      replay_of: 'clickstream-errors:0:7',
      schema_version: 1,
    });
  });

  it('keeps the id of the original, whatever the mended event says', () => {
    expect(replay({ ...view, event_id: 'other' }, { eventId: 'own' })).toMatchObject({ event_id: 'own' });
    expect(replay({ ...view, event_id: 'given' })).toMatchObject({ event_id: 'given' });
  });

  it('its times are judged by when the original was received (S2.3)', () => {
    const at = (ms: number): string => new Date(ms).toISOString();
    expect(replay({ ...view, timestamp: at(received + 2 * 60_000) })).toMatchObject({
      timestamp: at(received),
      client_timestamp: at(received + 2 * 60_000),
    });
    const ahead = { ...view, timestamp: at(received + 3_000_000), sent_at: at(received + 3_600_000) };
    expect(replay(ahead)).toMatchObject({ timestamp: at(received - 600_000) });
    // 399 days before it was received, and 459 before the replay.
    expect(replay({ ...view, timestamp: at(received - 399 * day) })).toMatchObject({
      timestamp: at(received - 399 * day),
    });
    const old = contract.prepareReplay({ ...view, timestamp: at(received - 401 * day) }, context, origin);
    expect(old).toMatchObject({ ok: false, reason: 'timestamp_out_of_range' });
  });

  it('an original from the future is one of now', () => {
    expect(replay(view, { receivedAt: replayed + day })).toMatchObject({
      timestamp: '2026-03-11T12:00:00.000Z',
    });
  });

  it('what the client is not to say stays the client’s; the user agent is the event’s own', () => {
    const event = { ...view, received_at: 'x', replay_of: 'y', user_agent: 'bot' };
    const record = replay(event);
    expect(record).toMatchObject({ is_bot: true, browser: 'bot', replay_of: origin.of });
    expect(JSON.parse(String(record.properties))).toEqual({
      '$client.received_at': 'x',
      '$client.replay_of': 'y',
    });
  });
});

describe('a replay of a foreign producer’s record (S8, S1.1)', () => {
  const record = { form: 'record' } as const;

  it('keeps the collector’s fields but received_at, and is not corrected by sent_at', () => {
    const fields = {
      timestamp: '2026-01-09T00:00:00.000Z',
      sent_at: '2026-01-09T00:30:00.000Z',
      source_id: 'shop',
      is_bot: true,
    };
    const event = { ...view, ...fields, received_at: '2026-01-09T01:00:00.000Z', replay_of: 'a:0:1' };
    expect(replay(event, record)).toMatchObject({
      ...fields,
      received_at: '2026-03-11T12:00:00.000Z',
      replay_of: origin.of,
    });
  });

  it('one whose received_at lies ahead has no time after its replay', () => {
    const event = { ...view, received_at: '2027-01-01T00:00:00.000Z', timestamp: '2027-01-01T00:00:30.000Z' };
    expect(replay(event, record)).toMatchObject({ timestamp: '2026-01-10T12:00:00.000Z' });
  });

  it('is too old by its own received_at, unless an earlier replay has settled that', () => {
    const event = { ...view, received_at: '2026-01-09T00:00:00.000Z', timestamp: '2024-12-01T00:00:00.000Z' };
    const judged = (settled: boolean) =>
      contract.prepareReplay(event, context, { ...origin, ...record, settled });
    expect(judged(false)).toMatchObject({ ok: false, reason: 'timestamp_out_of_range' });
    expect(judged(true)).toMatchObject({ ok: true });
  });
});

it('judges every JSON value, and what it accepts is a record that judge leaves as it is (S8)', () => {
  fc.assert(
    fc.property(
      clientEvent,
      fc.record({
        eventId: fc.constantFrom(null, 'own'),
        receivedAt: fc.integer({ min: 0, max: replayed + day }),
        form: fc.constantFrom('event', 'record'),
        settled: fc.boolean(),
      }),
      (event, more) => {
        const prepared = contract.prepareReplay(event, context, { ...origin, ...more });
        if (!prepared.ok) return;
        expect(contract.judge(Buffer.from(prepared.value), replayed + day)).toEqual(prepared);
        expect(prepared.value).toContain('"replay_of":"clickstream-errors:0:7"');
      },
    ),
  );
});
