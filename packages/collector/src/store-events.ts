import { randomUUID } from 'node:crypto';
import type { PrepareContext } from '@clicklake/contract';
import type { NewRecord, RecordPosition } from '@clicklake/event-log';
import { refusalOfAppendFailure } from './admission.ts';
import { answerBody } from './answer.ts';
import type { AppendedRequest, CollectorSettings } from './collector-options.ts';
import type { Counters } from './counters.ts';
import { deadLetterRecord } from './dead-letter.ts';
import { createDeadLetterRate } from './dead-letter-rate.ts';
import { createEnricher } from './enrichment.ts';
import { judgeEvents, type Outcome } from './judge-events.ts';
import { createReceivedAt } from './received-at.ts';
import type { ReceivedEvents, UnparseableBody } from './received-events.ts';
import { Refusal } from './refusal.ts';
import type { WriteKey } from './write-key.ts';

/** Who sent a request. */
export interface Sender {
  readonly key: WriteKey;
  readonly clientIp: string | null;
  readonly userAgent: string | null;
}

export interface EventStore {
  /**
   * Judges the events of one request and makes them durable together, accepted and rejected alike; resolves with
   * the JSON of the answer.
   *
   * @throws Refusal `dead-letters-limited`, `log-full`, `log-unavailable`: nothing of the request is accepted (S5.3).
   */
  storeEvents(received: ReceivedEvents, bodyBytes: number, sender: Sender): Promise<string>;
  /**
   * Makes a body that is not JSON one dead letter (S5.3).
   *
   * @throws Refusal `body-unparseable` when it is durable, else as `storeEvents`.
   */
  storeUnparseable(body: Uint8Array, why: UnparseableBody, sender: Sender): Promise<never>;
}

/** The way of events from parsed to durable, the same for every route. */
export function createEventStore(settings: CollectorSettings, counters: Counters): EventStore {
  const { contract, writer, truncateIp } = settings;
  const stampReceivedAt = createReceivedAt(settings.now, () => writer.lastTimestamp());
  const deadLetterRate = createDeadLetterRate(() => performance.now());
  const enrich = createEnricher();

  function contextOf({ key, clientIp, userAgent }: Sender, escapeFree: boolean): PrepareContext {
    return {
      receivedAt: stampReceivedAt(),
      sourceId: key.sourceId,
      clientIp,
      trustBodyIp: key.kind === 'server',
      truncateIp,
      userAgent,
      enrich,
      escapeFree,
      newEventId: randomUUID,
    };
  }

  function admitDeadLetters(key: WriteKey, count: number): void {
    if (count === 0) return;
    const retryAfterSeconds = deadLetterRate.admit(key, count);
    if (retryAfterSeconds === 0) return;
    throw new Refusal({
      code: 'dead-letters-limited',
      message: `The write key "${key.name}" sends too many events that are rejected; nothing of this request was stored.`,
      hint: 'Look at the reasons in earlier answers and mend the sender; valid events alone still pass.',
      retryAfterSeconds,
    });
  }

  function append(records: readonly NewRecord[]): Promise<readonly RecordPosition[]> {
    return writer.append(records).catch((error: unknown) => {
      settings.onFailure(error);
      throw refusalOfAppendFailure(error);
    });
  }

  /** The second half, once the records are on their way: holds nothing of the events but what it answers. */
  async function answerWhenDurable(
    appended: Promise<readonly RecordPosition[]>,
    outcomes: readonly Outcome[],
    stored: AppendedRequest,
  ): Promise<string> {
    const positions = await appended;
    noteAppended(stored);
    return answerBody(outcomes, positions);
  }

  function noteAppended(stored: AppendedRequest): void {
    counters.appended(stored);
    settings.onAppended(stored);
  }

  return {
    storeEvents(received, bytes, sender) {
      // From the stamp to the append there is no await: received_at must not decrease within a partition (S1.5).
      const { records, outcomes, rejected } = judgeEvents(
        received,
        contract,
        contextOf(sender, received.escapeFree),
      );
      admitDeadLetters(sender.key, rejected);
      const accepted = outcomes.length - rejected;
      const stored = { sourceId: sender.key.sourceId, accepted, rejected, bytes };
      return answerWhenDurable(append(records), outcomes, stored);
    },

    async storeUnparseable(body, why, sender) {
      admitDeadLetters(sender.key, 1);
      const verdict = { eventId: null, field: null, ...why };
      const [position] = await append([deadLetterRecord(body, verdict, contextOf(sender, false))]);
      noteAppended({ sourceId: sender.key.sourceId, accepted: 0, rejected: 1, bytes: body.length });
      throw new Refusal({
        code: 'body-unparseable',
        message: `${why.message} It was kept as one dead letter.`,
        hint: 'Send one JSON object, an array of them, or NDJSON with Content-Type application/x-ndjson.',
        details: {
          dead_letter: {
            topic: 'clickstream-errors',
            partition: position?.partition,
            offset: Number(position?.offset),
            reason: why.reason,
          },
        },
      });
    },
  };
}
