import { randomUUID } from 'node:crypto';
import type { PrepareContext } from '@clicklake/contract';
import type { BlockPositions } from '@clicklake/event-log';
import { refusalOfAppendFailure } from './admission.ts';
import { createAnswerWriter } from './answer.ts';
import type { AppendedRequest, CollectorSettings } from './collector-options.ts';
import type { Counters } from './counters.ts';
import { deadLetterRecord } from './dead-letter.ts';
import { createDeadLetterRate } from './dead-letter-rate.ts';
import { createEnricher } from './enrichment.ts';
import type { BodyFormat } from './body-format.ts';
import { judgeBody, type UnparseableBody } from './judge-body.ts';
import { createVerdicts, type Outcomes } from './judged-events.ts';
import { createReceivedAt } from './received-at.ts';
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
   * @throws Refusal `too-many-events`, `dead-letters-limited`, `log-full`, `log-unavailable`: nothing of the
   *   request is accepted (S5.3); `body-unparseable`, as `storeUnparseable`.
   */
  storeEvents(body: Buffer, format: BodyFormat, sender: Sender): Promise<Buffer>;
  /**
   * Makes a body that is not JSON one dead letter (S5.3).
   *
   * @throws Refusal `body-unparseable` when it is durable, else as `storeEvents`.
   */
  storeUnparseable(body: Uint8Array, why: UnparseableBody, sender: Sender): Promise<never>;
}

/** The way of events from parsed to durable, the same for every route. */
export function createEventStore(settings: CollectorSettings, counters: Counters): EventStore {
  const { contract, writer, truncateIp, limits } = settings;
  const stampReceivedAt = createReceivedAt(settings.now, () => writer.lastTimestamp());
  const deadLetterRate = createDeadLetterRate(() => performance.now());
  const enrich = createEnricher();
  const verdicts = createVerdicts(contract.fingerprint);
  const writeAnswer = createAnswerWriter();

  function contextOf({ key, clientIp, userAgent }: Sender): PrepareContext {
    return {
      receivedAt: stampReceivedAt(),
      sourceId: key.sourceId,
      clientIp,
      trustBodyIp: key.kind === 'server',
      truncateIp,
      userAgent,
      enrich,
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

  function orRefusal<T>(appended: Promise<T>): Promise<T> {
    return appended.catch((error: unknown) => {
      settings.onFailure(error);
      throw refusalOfAppendFailure(error);
    });
  }

  /** The second half, once the records are on their way: holds nothing of the events but what it answers. */
  async function answerWhenDurable(
    appended: Promise<BlockPositions>,
    outcomes: Outcomes,
    stored: AppendedRequest,
  ): Promise<Buffer> {
    const positions = await appended;
    noteAppended(stored);
    return writeAnswer(outcomes, positions);
  }

  function noteAppended(stored: AppendedRequest): void {
    counters.appended(stored);
    settings.onAppended(stored);
  }

  async function storeUnparseable(body: Uint8Array, why: UnparseableBody, sender: Sender): Promise<never> {
    admitDeadLetters(sender.key, 1);
    const verdict = { eventId: null, field: null, ...why };
    const [position] = await orRefusal(writer.append([deadLetterRecord(body, verdict, contextOf(sender))]));
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
  }

  return {
    // Not async: what was parsed must be garbage by the time that the log is waited for.
    storeEvents(body, format, sender) {
      // From the stamp to the append there is no await: received_at must not decrease within a partition (S1.5).
      const judge = { contract, context: contextOf(sender), maxEvents: limits.maxEventsPerRequest, verdicts };
      const judged = judgeBody(body, format, judge);
      if ('reason' in judged) return storeUnparseable(body, judged, sender);
      const { records, outcomes } = judged;
      const rejected = outcomes.rejections.size;
      admitDeadLetters(sender.key, rejected);
      const accepted = outcomes.count - rejected;
      const stored = { sourceId: sender.key.sourceId, accepted, rejected, bytes: body.length };
      return answerWhenDurable(orRefusal(writer.appendBlock(records)), outcomes, stored);
    },
    storeUnparseable,
  };
}
