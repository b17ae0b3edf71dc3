import {
  byteWriter,
  writeBytes,
  writeText,
  eventText,
  type Accepted,
  type EventText,
  type PrepareContext,
  type PreparedText,
  type Rejection,
} from '@clicklake/contract';
import type { RecordBlock } from '@clicklake/event-log';
import { deadLetterRecord } from '../dead-letter.ts';
import { Refusal } from '../refusal.ts';

/**
 * What the answer says of the events of a request, but for their places in the log. A few flat pieces of memory,
 * because this outlives the fsync, and what survives a collection of the young generation is what garbage
 * collection costs.
 */
export interface Outcomes {
  readonly count: number;
  /** The ids of accepted events as JSON has them between the quotes, one after the other. */
  readonly ids: Buffer;
  /** By event, where its id ends in `ids`. */
  readonly idEnds: Int32Array;
  /** By event; its id is empty. */
  readonly rejections: ReadonlyMap<number, Rejection>;
}

/** What becomes of the events of one request, decided before anything is written. */
export interface JudgedEvents {
  /**
   * One record for each event, in the order sent: to `clickstream-events`, or to `clickstream-errors`. Lies in
   * the memory of the verdicts: valid until the next request's.
   */
  readonly records: RecordBlock;
  readonly outcomes: Outcomes;
}

/** Collects the verdicts on the events of one request after the other. */
export interface Verdicts {
  /** The body's events, which write to the memory of the verdicts. Once a request. */
  read(body: Buffer): EventText;
  /** Forgets the request before. */
  begin(context: PrepareContext, maxEvents: number): void;
  /** @throws Refusal `too-many-events`. */
  acceptText(event: PreparedText): void;
  /** @throws Refusal `too-many-events`. */
  accept(event: Accepted): void;
  /** @param bytes exactly what was received for the event. @throws Refusal `too-many-events`. */
  reject(event: Rejection, bytes: Uint8Array): void;
  all(): JudgedEvents;
}

const accepted = 0;
const rejected = 1;

export function kindsOfRecords(judgedBy: string): RecordBlock['kinds'] {
  return [
    { topic: 'clickstream-events', judgedBy },
    { topic: 'clickstream-errors', judgedBy: null },
  ];
}

/** Memory that one large request took beyond this is given back. */
const keptBytes = 1 << 20;

export function createVerdicts(judgedBy: string): Verdicts {
  const kinds = kindsOfRecords(judgedBy);
  const out = byteWriter(keptBytes);
  const ids = byteWriter(keptBytes >> 3);
  let places = new Int32Array(1024);
  let kindOf = new Uint8Array(256);
  let idEnds = new Int32Array(256);
  let rejections = new Map<number, Rejection>();
  let count = 0;
  /** Where in `out` the records begin, after the body. */
  let base = 0;
  let request: { readonly context: PrepareContext; readonly maxEvents: number } | undefined;

  function add(kind: number, keyStart: number, keyEnd: number, valueStart: number, valueEnd: number): void {
    if (count === kindOf.length) grow();
    kindOf[count] = kind;
    idEnds[count] = ids.used;
    places[count * 4] = keyStart - base;
    places[count * 4 + 1] = keyEnd - base;
    places[count * 4 + 2] = valueStart - base;
    places[count * 4 + 3] = valueEnd - base;
    count += 1;
    if (request !== undefined && count > request.maxEvents) throw tooManyEvents(request.maxEvents);
  }

  function grow(): void {
    places = copyOf(places, new Int32Array(count * 8));
    kindOf = copyOf(kindOf, new Uint8Array(count * 2));
    idEnds = copyOf(idEnds, new Int32Array(count * 2));
  }

  return {
    read(body) {
      const text = eventText(body, out);
      base = out.used;
      return text;
    },
    begin(context, maxEvents) {
      request = { context, maxEvents };
      count = 0;
      base = 0;
      for (const writer of [out, ids]) {
        writer.used = 0;
        if (writer.bytes.length > keptBytes) writer.bytes = Buffer.allocUnsafeSlow(keptBytes);
      }
      rejections = new Map();
    },
    acceptText({ idStart, idEnd, keyStart, keyEnd, valueStart, valueEnd }) {
      writeBytes(ids, out.bytes, idStart, idEnd);
      add(accepted, keyStart, keyEnd, valueStart, valueEnd);
    },
    accept({ eventId, key, value }) {
      writeText(ids, JSON.stringify(eventId).slice(1, -1));
      const keyStart = out.used;
      writeText(out, key);
      const valueStart = out.used;
      writeText(out, value);
      add(accepted, keyStart, valueStart, valueStart, out.used);
    },
    reject(rejection, bytes) {
      if (request === undefined) throw new Error('A verdict outside a request.');
      const record = deadLetterRecord(bytes, rejection, request.context);
      const keyStart = out.used;
      writeText(out, record.key);
      const valueStart = out.used;
      writeBytes(out, record.value, 0, record.value.length);
      rejections.set(count, rejection);
      add(rejected, keyStart, valueStart, valueStart, out.used);
    },
    all() {
      if (request === undefined) throw new Error('No request was judged.');
      const { receivedAt } = request.context;
      return {
        records: {
          bytes: out.bytes.subarray(base, out.used),
          count,
          places,
          kinds,
          kindOf,
          timestamp: receivedAt,
        },
        outcomes: {
          count,
          ids: Buffer.from(ids.bytes.subarray(0, ids.used)),
          idEnds: idEnds.slice(0, count),
          rejections,
        },
      };
    },
  };
}

function copyOf<T extends Int32Array | Uint8Array>(from: T, to: T): T {
  to.set(from);
  return to;
}

export function tooManyEvents(limit: number): Refusal {
  return new Refusal({
    code: 'too-many-events',
    message: `The body has more than ${limit} events; nothing of it was stored.`,
    hint: 'Send fewer events per request.',
    details: { limit },
  });
}
