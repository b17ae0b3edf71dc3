import { keepExtra, readEvent, requirePresence, settleTimestamp, type Draft } from './draft.ts';
import { checkObject } from './field-checks.ts';
import { isIpAddress } from './ip-address.ts';
import { parseEventJson } from './json-text.ts';
import { scanJsonText } from './json-scan.ts';
import type { Accepted } from './prepared.ts';
import { eventObject, finish, schemaVersionText } from './prepare.ts';
import { RejectedError } from './rejection.ts';
import { at } from './record-slots.ts';
import type { ContractSettings } from './settings.ts';
import { maxTimestampMs, minTimestampMs, timestampText } from './timestamp.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The text of a record's bytes; throws RejectedError. */
function decode(value: Uint8Array, settings: ContractSettings): string {
  if (value.byteLength > settings.maxEventBytes) {
    throw new RejectedError('too_large', null, `The record is larger than ${settings.maxEventBytes} bytes.`);
  }
  try {
    return utf8.decode(value);
  } catch {
    throw new RejectedError('malformed_json', null, 'The record is not UTF-8.');
  }
}

/**
 * Parses text that must be safe for every JSON reader after us: depth and surrogates are looked for in the
 * text itself, because a parsed value no longer shows members that a later one of the same name replaced.
 */
function parseStrict(text: string, field: string | null, settings: ContractSettings): unknown {
  const { depth, loneSurrogate } = scanJsonText(text);
  if (depth > settings.maxDepth)
    throw new RejectedError('too_deep', field, 'Objects and arrays are nested too deep.');
  if (loneSurrogate) {
    throw new RejectedError('invalid_unicode', field, 'A string contains half of a surrogate pair.');
  }
  try {
    return parseEventJson(text);
  } catch {
    throw new RejectedError('malformed_json', field, 'The text is not JSON.');
  }
}

/** Parses a record's bytes; throws RejectedError. */
export function parseRecord(value: Uint8Array, settings: ContractSettings): unknown {
  return parseStrict(decode(value, settings), null, settings);
}

/** A log's append time; a log that states none, or nonsense, must not stop the reader. */
export function clampTime(appendTime: number): number {
  return Math.min(Math.max(Math.trunc(appendTime) || 0, minTimestampMs), maxTimestampMs);
}

/** As in `prepare`: what is no address is kept, but not in the column. */
function moveNonAddress(draft: Draft, address: unknown): void {
  if (typeof address !== 'string' || isIpAddress(address)) return;
  draft.texts[at.ipAddress] = undefined;
  keepExtra(draft, '$client.ip_address', address);
}

/** S1.1, S2 for what stands in the log; throws RejectedError. */
export function judgeRecord(
  input: unknown,
  appendTime: number,
  newEventId: () => string,
  settings: ContractSettings,
): Accepted {
  const record = eventObject(input);
  return finishRecord(readRecord(record, appendTime, settings), record, newEventId, settings);
}

/** The complete draft of a record but for its id; throws RejectedError. */
export function readRecord(
  record: Readonly<Record<string, unknown>>,
  appendTime: number,
  settings: ContractSettings,
): Draft {
  const draft = readEvent(record, true, (value) =>
    // A RecordValue's properties are JSON text; a foreign producer may nest the object.
    checkObject('properties', typeof value === 'string' ? parseStrict(value, 'properties', settings) : value),
  );
  requirePresence(draft);
  moveNonAddress(draft, record.ip_address);
  const { texts, timestamp: given, sentAt, receivedAt: stamped } = draft;
  const receivedAt = stamped ?? clampTime(appendTime);
  // S2.3: correction by sent_at happened in the collector, once; a replay's age was judged when it was appended (S8).
  const limits = texts[at.replayOf] === undefined ? settings : { ...settings, maxEventAgeDays: Infinity };
  const timestamp = settleTimestamp(given, 0, receivedAt, limits);
  // A record that has been through a collector says itself what the client's clock said, or that it was silent.
  const own = draft.clientTimestamp ?? (stamped === undefined || given !== timestamp ? given : undefined);
  if (timestamp !== given) texts[at.timestamp] = timestampText(timestamp);
  else texts[at.timestamp] ??= timestampText(timestamp);
  texts[at.receivedAt] ??= timestampText(receivedAt);
  if (sentAt !== undefined) texts[at.sentAt] ??= timestampText(sentAt);
  if (own !== undefined) texts[at.clientTimestamp] ??= timestampText(own);
  texts[at.schemaVersion] ??= schemaVersionText;
  return draft;
}

/** The accepted record of a draft that `readRecord` made; throws RejectedError. */
export function finishRecord(
  draft: Draft,
  record: Readonly<Record<string, unknown>>,
  newEventId: () => string,
  settings: ContractSettings,
): Accepted {
  // The text's depth was judged as text: as `properties` of its own it may take all of it.
  return finish(draft, record, newEventId, settings, settings.maxDepth);
}
