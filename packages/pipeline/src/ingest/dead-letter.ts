import type { LogRecord, Topic } from '@clicklake/event-log';

/** A row of the dead-letter table before its `event_date` is derived. */
export interface DeadLetter {
  readonly topic: Topic;
  readonly partition: number;
  readonly offset: bigint;
  /** Append time of the record, ms. */
  readonly receivedAt: number;
  readonly reason: string;
  readonly field: string | null;
  readonly message: string;
  readonly eventId: string | null;
  readonly sourceId: string | null;
  readonly raw: Uint8Array;
  readonly judgedBy: string | null;
  /** Of a replay that was rejected again: `topic:partition:offset` of the original (S8). */
  readonly replayOf: string | null;
}

interface Refusal {
  readonly reason: string;
  readonly field: string | null;
  readonly message: string;
  readonly eventId: string | null;
}

export function deadLetterOfRecord(
  record: LogRecord,
  topic: Topic,
  partition: number,
  refusal: Refusal,
): DeadLetter {
  return {
    topic,
    partition,
    offset: record.offset,
    receivedAt: record.timestamp,
    reason: refusal.reason,
    field: refusal.field,
    message: refusal.message,
    eventId: refusal.eventId,
    sourceId: null,
    raw: record.value,
    judgedBy: record.judgedBy,
    replayOf: topic === 'clickstream-events' ? replayOf(record.value) : null,
  };
}

/**
 * A record of `clickstream-errors`: its value is what the collector refused, byte for byte, its key the
 * refusal as JSON (S1.3). A key that is not ours (a foreign producer's) becomes a reason of its own.
 */
export function deadLetterOfRejection(record: LogRecord, partition: number): DeadLetter {
  const refusal = parseRefusal(record.key);
  const row = deadLetterOfRecord(record, 'clickstream-errors', partition, refusal);
  return { ...row, sourceId: refusal.sourceId, replayOf: refusal.replayOf };
}

/** What a record of `clickstream-events` says that it replays; null when it says nothing that could be. */
function replayOf(value: Uint8Array): string | null {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return bytes.includes('"replay_of"') ? originOf(parseObject(bytes.toString('utf8'))?.replay_of) : null;
}

const origin = /^[\w-]{1,100}:\d{1,10}:\d{1,16}$/;

function originOf(value: unknown): string | null {
  return typeof value === 'string' && origin.test(value) ? value : null;
}

function parseRefusal(key: Uint8Array | null): Refusal & Pick<DeadLetter, 'sourceId' | 'replayOf'> {
  const told = key === null ? undefined : parseObject(Buffer.from(key).toString('utf8'));
  return {
    reason: textOf(told?.reason) ?? 'unknown',
    field: textOf(told?.field),
    message: textOf(told?.message) ?? 'The record does not say why it was rejected.',
    eventId: textOf(told?.event_id),
    sourceId: textOf(told?.source_id),
    replayOf: originOf(told?.replay_of),
  };
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
