import { createHash, randomUUID } from 'node:crypto';

import { eventFields, schemaVersion } from './event-fields.ts';
import { judgeRecord, parseRecord } from './judge.ts';
import type { EventText } from './event-text.ts';
import { prepareClientEvent, prepareEventText, rejectionOf } from './prepare.ts';
import type { PreparedText, PrepareContext, Prepared, ReplayOrigin } from './prepared.ts';
import { prepareReplayedEvent } from './replay.ts';
import { RejectedError } from './rejection.ts';
import { completeSettings, type ContractSettings } from './settings.ts';

/** The verdict on events, and the form in which they enter the log. Pure: no state, no effects. */
export interface Contract {
  readonly settings: ContractSettings;
  /** Equal for contracts that give every input the same verdict: 16 hexadecimal digits. */
  readonly fingerprint: string;
  /**
   * Judges and normalises one parsed JSON value from a client (`parseEventJson`). Never throws on any JSON
   * value; what the context's functions throw passes through.
   */
  prepare(event: unknown, context: PrepareContext): Prepared;
  /**
   * As `prepare(parseEventJson(…), context)` for the event that begins at a place of a text, when that is
   * accepted, at a fraction of the cost: what it is accepted as is written to the text's `out`. The answer is
   * valid until the next one. Undefined, and nothing written, when it must be parsed to be judged.
   */
  prepareText(text: EventText, from: number, context: PrepareContext): PreparedText | undefined;
  /**
   * Judges and normalises a record's bytes that a foreign producer put into the log (S1.1): as `prepare`, but
   * without enrichment, and the collector's fields are honoured. Never throws on any bytes. Of its own
   * canonical values it returns the same text again.
   * @param appendTime milliseconds since the epoch, for a record without `received_at`
   * @param newEventId for a record without an id; pass one made of the record's place, so that reading the
   *   record again gives the same event
   */
  judge(value: Uint8Array, appendTime: number, newEventId?: () => string): Prepared;
  /**
   * Judges and normalises a dead letter that was mended, for its replay (S8): as `prepare`, or as `judge` where
   * the original was a record, with `replay_of` and an id that repeating the replay does not change. Never throws
   * on any JSON value (`parseEventJson`).
   * @param context of the replay: its `receivedAt` is that of the new record
   */
  prepareReplay(event: unknown, context: PrepareContext, origin: ReplayOrigin): Prepared;
}

/** Raised whenever the rules change in a way that neither fields nor settings show. */
const rulesRevision = 2;

function fingerprintOf(settings: ContractSettings): string {
  const fields = eventFields.map((field) => ({ ...field, description: undefined, unit: undefined }));
  const rules = JSON.stringify({ rulesRevision, schemaVersion, fields, settings });
  return createHash('sha256').update(rules).digest('hex').slice(0, 16);
}

/**
 * A contract for a lake's settings.
 * @throws ContractError `contract-invalid-setting`
 */
export function createContract(given: Partial<ContractSettings> = {}): Contract {
  const settings = completeSettings(given);
  return {
    settings,
    fingerprint: fingerprintOf(settings),
    prepare(event, context) {
      try {
        return prepareClientEvent(event, context, settings);
      } catch (error) {
        return rejectionOf(error, event);
      }
    },
    prepareText(text, from, context) {
      try {
        return prepareEventText(text, from, context, settings);
      } catch (error) {
        if (error instanceof RejectedError || error instanceof SyntaxError) return undefined;
        throw error;
      }
    },
    judge(value, appendTime, newEventId = randomUUID) {
      let record: unknown = null;
      try {
        record = parseRecord(value, settings);
        return judgeRecord(record, appendTime, newEventId, settings);
      } catch (error) {
        return rejectionOf(error, record);
      }
    },
    prepareReplay(event, context, origin) {
      try {
        return prepareReplayedEvent(event, context, origin, settings);
      } catch (error) {
        const rejection = rejectionOf(error, event);
        return { ...rejection, eventId: origin.eventId ?? rejection.eventId };
      }
    },
  };
}
