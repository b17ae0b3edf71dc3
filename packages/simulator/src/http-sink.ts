import { Pool } from 'undici';
import { interpretAnswer, type DeliveryAnswer } from './collector-answer.ts';
import type { EventSink, SendOutcome, Surprise } from './event-sink.ts';
import { realPacingClock, type PacingClock } from './pacing-clock.ts';
import type { SimulatedRecord } from './simulated-record.ts';
import { SimulatorError } from './simulator-error.ts';

export interface HttpSinkOptions {
  /** The collector: `http://127.0.0.1:8085`. */
  readonly url: string;
  /** A write key; a server-side one when the events' ip_address is to count (S1.4). */
  readonly key: string;
  /** Requests at once, each on a connection of its own. Default 1, which keeps the records in order. */
  readonly concurrency?: number;
  /** Records of one request. Default 100. */
  readonly batchSize?: number;
  /** NDJSON by default. In an array, records that are no JSON cannot stand: they go as NDJSON beside it. */
  readonly format?: 'ndjson' | 'array';
  /** Told why it waits, when it begins to and whenever the reason is another one. */
  readonly onWait?: (reason: string) => void;
  /** Waits between attempts. */
  readonly clock?: Pick<PacingClock, 'sleep'>;
}

export interface HttpSink extends EventSink {
  /** Closes the connections when the requests under way have ended. */
  close(): Promise<void>;
}

const firstPauseMs = 100;
const longestPauseMs = 5000;
const requestTimeoutMs = 30_000;

/**
 * Sends records to a collector's `POST /v1/events`, again and again until it took them: 429 and 503 are
 * obeyed, lost connections retried, always with the same event_ids.
 */
export function createHttpSink(options: HttpSinkOptions): HttpSink {
  const { key, concurrency = 1, batchSize = 100, format = 'ndjson', clock = realPacingClock } = options;
  const pool = new Pool(new URL(options.url).origin, {
    connections: concurrency,
    headersTimeout: requestTimeoutMs,
    bodyTimeout: requestTimeoutMs,
  });

  const attempt = async (request: EventsRequest, signal: AbortSignal): Promise<DeliveryAnswer> => {
    try {
      const response = await pool.request({
        method: 'POST',
        path: '/v1/events',
        headers: { authorization: `Bearer ${key}`, 'content-type': request.contentType },
        body: request.body,
        signal,
      });
      const text = await response.body.text();
      return interpretAnswer(
        { status: response.statusCode, retryAfter: response.headers['retry-after'], text },
        request.records.length,
      );
    } catch (error) {
      if (error instanceof SimulatorError) throw error;
      // Refused at the door: the collector never saw the request.
      const unseen = error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED';
      return { kind: 'again', afterMs: null, mayHaveLanded: !unseen, reason: 'It does not answer.' };
    }
  };

  let waitsFor: string | undefined;
  const noteWait = (reason: string | undefined): void => {
    if (reason !== undefined && reason !== waitsFor) options.onWait?.(reason);
    waitsFor = reason;
  };

  const deliver = async (request: EventsRequest, signal: AbortSignal): Promise<SendOutcome> => {
    const resent: SimulatedRecord[] = [];
    for (let attempts = 0; ; attempts += 1) {
      const answer = await attempt(request, signal);
      if (answer.kind === 'results') {
        noteWait(undefined);
        return { ...judge(request.records, answer), resent };
      }
      if (!signal.aborted) {
        noteWait(answer.reason);
        const pause = Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(attempts, 10));
        await clock.sleep(answer.afterMs ?? pause, signal);
      }
      if (signal.aborted) throw aborted(request.records.length);
      if (answer.mayHaveLanded) resent.push(...request.records);
    }
  };

  return {
    async send(records, signal) {
      const requests = planRequests(records, batchSize, format);
      const outcomes: SendOutcome[] = [];
      const failure = new AbortController();
      const failed = AbortSignal.any([signal, failure.signal]);
      let next = 0;
      const work = async (): Promise<void> => {
        for (let request = requests[next++]; request !== undefined; request = requests[next++]) {
          outcomes.push(await deliver(request, failed));
        }
      };
      await endTogether(Array.from({ length: Math.min(concurrency, requests.length) }, work), failure);
      return mergeOutcomes(outcomes);
    },
    close: () => pool.close(),
  };
}

interface EventsRequest {
  readonly records: readonly SimulatedRecord[];
  readonly contentType: string;
  readonly body: string;
}

/** Cuts records into requests of at most `batchSize`, in order. */
function planRequests(
  records: readonly SimulatedRecord[],
  batchSize: number,
  format: 'ndjson' | 'array',
): EventsRequest[] {
  const requests: EventsRequest[] = [];
  for (let from = 0; from < records.length; from += batchSize) {
    const batch = records.slice(from, from + batchSize);
    if (format === 'ndjson') {
      requests.push(ndjsonRequest(batch));
      continue;
    }
    const [elements, others] = [batch.filter(isJson), batch.filter((record) => !isJson(record))];
    if (elements.length > 0) requests.push(arrayRequest(elements));
    if (others.length > 0) requests.push(ndjsonRequest(others));
  }
  return requests;
}

function isJson(record: SimulatedRecord): boolean {
  return record.kind !== 'malformed' || record.reason !== 'malformed_json';
}

function ndjsonRequest(records: readonly SimulatedRecord[]): EventsRequest {
  const body = records.map((record) => `${record.bytes}\n`).join('');
  return { records, contentType: 'application/x-ndjson', body };
}

function arrayRequest(records: readonly SimulatedRecord[]): EventsRequest {
  const body = `[${records.map((record) => record.bytes).join(',')}]`;
  return { records, contentType: 'application/json', body };
}

/** Holds the collector's verdicts against what each record was made for. */
function judge(
  records: readonly SimulatedRecord[],
  answer: Extract<DeliveryAnswer, { readonly kind: 'results' }>,
): Omit<SendOutcome, 'resent'> {
  const surprises: Surprise[] = [];
  let accepted = 0;
  records.forEach((record, index) => {
    const result = answer.results[index];
    if (result === undefined) return;
    if (result.status === 'accepted') accepted += 1;
    // Duplicates are accepted too: it is ingest that finds them (S3.1).
    const wanted = record.kind === 'malformed' ? 'rejected' : 'accepted';
    if (result.status !== wanted) surprises.push({ record, ...result });
  });
  return { accepted, rejected: records.length - accepted, surprises };
}

/** Waits for all; the first to fail stops the others, and its error is thrown when they have ended. */
async function endTogether(work: readonly Promise<void>[], failure: AbortController): Promise<void> {
  try {
    await Promise.all(work);
  } catch (error) {
    failure.abort();
    await Promise.allSettled(work);
    throw error;
  }
}

function mergeOutcomes(outcomes: readonly SendOutcome[]): SendOutcome {
  return {
    accepted: outcomes.reduce((sum, outcome) => sum + outcome.accepted, 0),
    rejected: outcomes.reduce((sum, outcome) => sum + outcome.rejected, 0),
    surprises: outcomes.flatMap((outcome) => outcome.surprises),
    resent: outcomes.flatMap((outcome) => outcome.resent),
  };
}

function aborted(count: number): SimulatorError {
  return new SimulatorError({
    code: 'simulator-aborted',
    message: `Stopped while ${count} records were on their way to the collector.`,
    hint: 'The truth file lists them as undelivered; compare the rest.',
    details: { records: count },
  });
}
