import type { PrepareContext, Rejection } from '@clicklake/contract';
import type { NewRecord } from '@clicklake/event-log';
import { redactIpAddresses } from './ip-redaction.ts';

/**
 * The key of a record in `clickstream-errors`: compact JSON with these members, in this order. It is how
 * ingest, and any reader of the topic, learns why the value was rejected.
 */
export interface DeadLetterKey {
  readonly reason: string;
  readonly field: string | null;
  readonly message: string;
  readonly event_id: string | null;
  readonly source_id: string | null;
  /** Of a replay that was rejected again (S8): `topic:partition:offset` of the original. */
  readonly replay_of?: string;
}

/** Both are there, the value as bytes. */
export type DeadLetterRecord = NewRecord & { readonly key: string; readonly value: Uint8Array };

/** The record of a rejected event: its value is the exact byte slice received (S1.3), IP addresses apart (S1.4). */
export function deadLetterRecord(
  bytes: Uint8Array,
  verdict: Omit<Rejection, 'ok'>,
  context: Pick<PrepareContext, 'receivedAt' | 'sourceId' | 'truncateIp'>,
  replayOf?: string,
): DeadLetterRecord {
  const key: DeadLetterKey = {
    reason: verdict.reason,
    field: verdict.field,
    message: verdict.message,
    event_id: verdict.eventId,
    source_id: context.sourceId,
    ...(replayOf !== undefined && { replay_of: replayOf }),
  };
  return {
    topic: 'clickstream-errors',
    key: JSON.stringify(key),
    value: context.truncateIp ? redactIpAddresses(bytes) : bytes,
    timestamp: context.receivedAt,
    judgedBy: null,
  };
}
