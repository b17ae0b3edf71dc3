import type { BlockPositions } from '@clicklake/event-log';
import { refusalOfAppendFailure } from './admission.ts';
import { createAnswerWriter } from './answer.ts';
import type { AppendedRequest, CollectorSettings } from './collector-options.ts';
import type { Counters } from './counters.ts';
import { deadLetterRecord } from './dead-letter.ts';
import { createDeadLetterRate } from './dead-letter-rate.ts';
import type { BodyFormat } from './body-format.ts';
import type { BodyJudge, JudgeTask, RequestFacts, Verdict } from './judging/body-judge.ts';
import type { UnparseableBody } from './judging/judge-body.ts';
import type { JudgeOne } from './judging/judge-here.ts';
import type { Outcomes } from './judging/judged-events.ts';
import { createReceivedAt } from './received-at.ts';
import { Refusal } from './refusal.ts';
import { giveBack } from './request-body.ts';
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
   *   request is accepted (S5.3); `body-unparseable`, as `storeUnparseable`; `judging-failed`.
   */
  storeEvents(body: Buffer, format: BodyFormat, sender: Sender): Promise<Buffer>;
  /**
   * Makes a body that is not JSON one dead letter (S5.3).
   *
   * @throws Refusal `body-unparseable` when it is durable, else as `storeEvents`.
   */
  storeUnparseable(body: Uint8Array, why: UnparseableBody, sender: Sender): Promise<never>;
}

export interface EventStoreServices {
  readonly settings: CollectorSettings;
  readonly counters: Counters;
  readonly judge: BodyJudge;
  /** Judges here and now what `judge` was too late with. */
  readonly judgeOne: JudgeOne;
}

/**
 * What sends with a server key names its own HTTP library in the header (curl, python-requests, undici), which is
 * neither the visitor's device nor a bot. Browsers and crawlers, whose header a proxy passes on, all say Mozilla.
 */
function isVisitorsOwn(userAgent: string | null): boolean {
  return userAgent?.startsWith('Mozilla/') === true;
}

/** The way of events from a body to durable, the same for every route. */
export function createEventStore({ settings, counters, judge, judgeOne }: EventStoreServices): EventStore {
  const { writer, truncateIp } = settings;
  const stampReceivedAt = createReceivedAt(settings.now, () => writer.lastTimestamp());
  const deadLetterRate = createDeadLetterRate(() => performance.now());
  const writeAnswer = createAnswerWriter();

  function factsOf({ key, clientIp, userAgent }: Sender): RequestFacts {
    return {
      receivedAt: stampReceivedAt(),
      sourceId: key.sourceId,
      clientIp,
      trustBodyIp: key.kind === 'server',
      truncateIp,
      userAgent: key.kind === 'browser' || isVisitorsOwn(userAgent) ? userAgent : null,
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
    const [position] = await orRefusal(writer.append([deadLetterRecord(body, verdict, factsOf(sender))]));
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

  /** From here to the append there is no await: received_at must not decrease within a partition (S1.5). */
  function append(verdict: Verdict, { body }: JudgeTask, sender: Sender): Promise<Buffer> {
    if ('reason' in verdict) return storeUnparseable(body, verdict, sender);
    const { records, outcomes } = verdict;
    const rejected = outcomes.rejections.size;
    admitDeadLetters(sender.key, rejected);
    const accepted = outcomes.count - rejected;
    const stored = { sourceId: sender.key.sourceId, accepted, rejected, bytes: body.length };
    return answerWhenDurable(orRefusal(writer.appendBlock(records)), outcomes, stored);
  }

  return {
    storeEvents(body, format, sender) {
      const task = { body, format, facts: factsOf(sender) };
      return judge.judge(task, (verdict) => {
        try {
          if (writer.lastTimestamp() <= task.facts.receivedAt) return append(verdict, task, sender);
          // Something was appended past the judge in the meantime: what it was stamped with is too old now.
          const anew = { body, format, facts: factsOf(sender) };
          return append(judgeOne(anew), anew, sender);
        } finally {
          // A dead letter of the whole body may still be on its way.
          if (!('reason' in verdict)) giveBack(body);
        }
      });
    },
    storeUnparseable,
  };
}
