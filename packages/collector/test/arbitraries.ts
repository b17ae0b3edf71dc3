import fc from 'fast-check';
import { event } from './harness.ts';

/** Anything a confused client may send as one event, valid ones among them; as JSON text. */
export const eventText = fc.oneof(
  { weight: 3, arbitrary: fc.json({ maxDepth: 3 }) },
  {
    weight: 3,
    arbitrary: fc
      .dictionary(fc.string({ maxLength: 10 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 4 })
      .map((fields) => JSON.stringify({ ...event(), ...fields })),
  },
  {
    weight: 3,
    arbitrary: fc
      .record(
        {
          event_id: fc.oneof(fc.uuid(), fc.string(), fc.integer(), fc.constant(null)),
          event_type: fc.constantFrom('page_view', 'purchase', 'custom', 'other', 7, null),
          user_id: fc.oneof(fc.string({ unit: 'grapheme' }), fc.constant('\ud800'), fc.integer()),
          timestamp: fc.oneof(
            fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
            fc.string(),
          ),
          properties: fc.jsonValue({ maxDepth: 4 }),
          ip_address: fc.oneof(fc.ipV4(), fc.ipV6(), fc.string()),
        },
        { requiredKeys: [] },
      )
      .map((fields) => JSON.stringify(fields)),
  },
);

/** A line of NDJSON that is not empty, or of bytes that are no JSON. */
export const jsonLine = fc.oneof(
  eventText.map((json) => Buffer.from(json)),
  fc
    .uint8Array({ minLength: 1, maxLength: 40 })
    .map((bytes) => Buffer.from([0x21, ...bytes.filter((byte) => byte !== 0x0a)])),
);
