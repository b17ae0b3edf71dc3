import type { Rejection } from '@clicklake/contract';
import { Refusal } from '../refusal.ts';
import type { JudgeTask, RequestFacts, Verdict } from './body-judge.ts';
import { kindsOfRecords, tooManyEvents, type Outcomes } from './judged-events.ts';

/**
 * The memory that a judging thread shares with the one that feeds it: a ring of slots, each for one body on its way
 * there and its verdict on the way back. Two counters say whose a slot is: the feeder's until it counts it as
 * submitted, then the judge's until that counts it as judged. Slots are used one after the other, so the order of
 * the tasks holds by itself.
 *
 *   slot    = header task verdict
 *   header  = i32{headerWords}, see `word`
 *   task    = body facts                                 (facts: JSON)
 *   verdict = places idEnds kindOf ids rejections bytes  (of a JudgedEvents; rejections: JSON of its entries)
 *           | text                                       (JSON of an UnparseableBody, or of what went wrong)
 */
export const slotCount = 8;

/** A body of 100 events has some 60 KB; larger ones than fit are judged by the feeder. */
const taskBytes = 256 << 10;
const verdictBytes = 512 << 10;
const headerWords = 16;
const slotBytes = headerWords * 4 + taskBytes + verdictBytes;

/** Of the control words: how many tasks were submitted, how many judged, and who waits. */
export const control = { submitted: 0, judged: 1, feederWaits: 2, stop: 3, words: 4 } as const;

const word = {
  bodyBytes: 0,
  factsBytes: 1,
  format: 2,
  outcome: 3,
  count: 4,
  idsBytes: 5,
  rejectionsBytes: 6,
  recordBytes: 7,
} as const;

const outcome = { judged: 0, unparseable: 1, tooManyEvents: 2, tooLarge: 3, failed: 4 } as const;

export interface SharedSlots {
  readonly control: SharedArrayBuffer;
  readonly slots: SharedArrayBuffer;
}

export function createSharedSlots(): SharedSlots {
  return {
    control: new SharedArrayBuffer(control.words * 4),
    slots: new SharedArrayBuffer(slotCount * slotBytes),
  };
}

export interface JudgeRules {
  /** The contract's fingerprint. */
  readonly judgedBy: string;
  readonly maxEvents: number;
}

/** One slot, from either side. */
export interface Slot {
  /** False: it does not fit. */
  putTask(task: JudgeTask): boolean;
  /** Its body lies in the slot. */
  task(): JudgeTask;
  putVerdict(verdict: Verdict): void;
  /** What judging threw instead. */
  putError(error: unknown): void;
  /**
   * Undefined: it did not fit. Records lie in the slot, outcomes do not.
   *
   * @throws Refusal `too-many-events`; Error when judging failed by a defect.
   */
  verdict(facts: RequestFacts): Verdict | undefined;
}

/** @param rules of those who judge and are told */
export function openSlot({ slots }: SharedSlots, index: number, { judgedBy, maxEvents }: JudgeRules): Slot {
  const kinds = kindsOfRecords(judgedBy);
  const start = index * slotBytes;
  const header = new Int32Array(slots, start, headerWords);
  const taskArea = Buffer.from(slots, start + headerWords * 4, taskBytes);
  const verdictStart = start + headerWords * 4 + taskBytes;
  const verdictArea = Buffer.from(slots, verdictStart, verdictBytes);
  const number = (at: number): number => header[at] ?? 0;
  const putText = (value: unknown): void => {
    header[word.rejectionsBytes] = verdictArea.write(JSON.stringify(value), 0, 'utf8');
  };

  return {
    putTask({ body, format, facts }) {
      if (body.length > taskBytes) return false;
      const text = JSON.stringify(facts);
      if (body.length + text.length * 3 > taskBytes) return false;
      // Not `set`: into shared memory that goes byte by byte.
      body.copy(taskArea);
      header[word.bodyBytes] = body.length;
      header[word.factsBytes] = taskArea.write(text, body.length, 'utf8');
      header[word.format] = format === 'ndjson' ? 1 : 0;
      return true;
    },
    task() {
      const bodyBytes = number(word.bodyBytes);
      return {
        body: taskArea.subarray(0, bodyBytes),
        format: number(word.format) === 1 ? 'ndjson' : 'json',
        facts: JSON.parse(
          taskArea.toString('utf8', bodyBytes, bodyBytes + number(word.factsBytes)),
        ) as RequestFacts,
      };
    },
    putVerdict(verdict) {
      if ('reason' in verdict) {
        header[word.outcome] = outcome.unparseable;
        putText(verdict);
        return;
      }
      const { records, outcomes } = verdict;
      const { count, ids, idEnds, rejections } = outcomes;
      const rejected = Buffer.from(rejections.size === 0 ? '' : JSON.stringify([...rejections]));
      const needed = count * 21 + ids.length + rejected.length + records.bytes.length;
      if (needed > verdictBytes) {
        header[word.outcome] = outcome.tooLarge;
        return;
      }
      header[word.outcome] = outcome.judged;
      header[word.count] = count;
      header[word.idsBytes] = ids.length;
      header[word.rejectionsBytes] = rejected.length;
      header[word.recordBytes] = records.bytes.length;
      new Int32Array(slots, verdictStart, count * 4).set(records.places.subarray(0, count * 4));
      new Int32Array(slots, verdictStart + count * 16, count).set(idEnds);
      verdictArea.set(records.kindOf.subarray(0, count), count * 20);
      ids.copy(verdictArea, count * 21);
      rejected.copy(verdictArea, count * 21 + ids.length);
      records.bytes.copy(verdictArea, count * 21 + ids.length + rejected.length);
    },
    putError(error) {
      const tooMany = error instanceof Refusal && error.code === 'too-many-events';
      header[word.outcome] = tooMany ? outcome.tooManyEvents : outcome.failed;
      if (!tooMany) putText(error instanceof Error ? (error.stack ?? error.message) : String(error));
    },
    verdict({ receivedAt }) {
      const rejectionsBytes = number(word.rejectionsBytes);
      switch (number(word.outcome)) {
        case outcome.tooLarge:
          return undefined;
        case outcome.tooManyEvents:
          throw tooManyEvents(maxEvents);
        case outcome.failed:
          throw new Error(`Judging failed: ${JSON.parse(verdictArea.toString('utf8', 0, rejectionsBytes))}`);
        case outcome.unparseable:
          return JSON.parse(verdictArea.toString('utf8', 0, rejectionsBytes)) as Verdict;
      }
      const count = number(word.count);
      const idsStart = count * 21;
      const rejectionsStart = idsStart + number(word.idsBytes);
      const recordsStart = rejectionsStart + rejectionsBytes;
      return {
        records: {
          bytes: verdictArea.subarray(recordsStart, recordsStart + number(word.recordBytes)),
          count,
          places: new Int32Array(slots, verdictStart, count * 4),
          kinds,
          kindOf: verdictArea.subarray(count * 20, idsStart),
          timestamp: receivedAt,
        },
        outcomes: {
          count,
          ids: Buffer.from(verdictArea.subarray(idsStart, rejectionsStart)),
          idEnds: new Int32Array(slots, verdictStart + count * 16, count).slice(),
          rejections: rejectionsOf(verdictArea.toString('utf8', rejectionsStart, recordsStart)),
        },
      };
    },
  };
}

function rejectionsOf(text: string): Outcomes['rejections'] {
  return text === '' ? noRejections : new Map(JSON.parse(text) as [number, Rejection][]);
}

const noRejections: Outcomes['rejections'] = new Map();
