import { SimulatorError } from './simulator-error.ts';

/** What a collector's answer means for the records of the request. */
export type DeliveryAnswer =
  | { readonly kind: 'results'; readonly results: readonly DeliveryResult[] }
  | {
      readonly kind: 'again';
      /** What Retry-After asks for, ms; null when the answer leaves it to us. */
      readonly afterMs: number | null;
      /** Whether some of the records may be in the log all the same. */
      readonly mayHaveLanded: boolean;
      /** What keeps the collector from taking them, for people: its own words where it has any. */
      readonly reason: string;
    };

export interface DeliveryResult {
  readonly status: 'accepted' | 'rejected';
  readonly reason: string | null;
}

interface HttpAnswer {
  readonly status: number;
  readonly retryAfter: string | string[] | undefined;
  readonly text: string;
}

const requestTimeout = 408;

/**
 * @param count records in the request.
 * @throws SimulatorError `simulator-delivery-refused`, `simulator-answer-invalid`.
 */
export function interpretAnswer(answer: HttpAnswer, count: number): DeliveryAnswer {
  const { status } = answer;
  if (status === 200) {
    const results = parseResults(answer.text);
    if (results?.length === count) return { kind: 'results', results };
    throw invalid(answer, count);
  }
  // A body without anything readable is one dead letter (S5.3).
  if (status === 400 && count === 1 && isUnparseableBody(answer.text)) {
    return { kind: 'results', results: [{ status: 'rejected', reason: 'malformed_json' }] };
  }
  // 429 is refused and not stored; of a request that got 503 a part may have become durable (S5.3).
  if (status === 429 || status >= 500 || status === requestTimeout) {
    const afterMs = retryAfterMs(answer.retryAfter);
    return { kind: 'again', afterMs, mayHaveLanded: status !== 429, reason: reasonToWait(answer) };
  }
  throw refused(answer, count);
}

function reasonToWait({ status, text }: HttpAnswer): string {
  const body = parseJson(text);
  const words = isObject(body) ? [body.message, body.hint].filter((word) => typeof word === 'string') : [];
  return words.length === 0 ? `It answers ${status}.` : words.join(' ').slice(0, excerptLength);
}

function parseResults(text: string): DeliveryResult[] | null {
  const body = parseJson(text);
  if (!isObject(body) || !Array.isArray(body.results)) return null;
  const results: DeliveryResult[] = [];
  for (const result of body.results as unknown[]) {
    if (!isObject(result)) return null;
    const { status, reason } = result;
    if (status !== 'accepted' && status !== 'rejected') return null;
    results.push({ status, reason: reasonText(reason) });
  }
  return results;
}

function isUnparseableBody(text: string): boolean {
  const body = parseJson(text);
  return isObject(body) && body.code === 'body-unparseable';
}

/** Null when the text is not JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function reasonText(reason: unknown): string | null {
  if (reason === undefined || reason === null) return null;
  return typeof reason === 'string' ? reason : JSON.stringify(reason);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** Retry-After is a number of seconds or a date (RFC 9110, 10.2.3). */
function retryAfterMs(header: HttpAnswer['retryAfter']): number | null {
  const text = Array.isArray(header) ? header[0] : header;
  if (text === undefined) return null;
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? null : Math.max(0, date - Date.now());
}

const excerptLength = 300;

function refused(answer: HttpAnswer, count: number): SimulatorError {
  const hints: Readonly<Record<number, string>> = {
    401: 'Check the write key: `clicklake keys --json` lists them.',
    403: 'Use a write key that may send from here: `clicklake keys --json` lists them.',
    404: 'Check the URL: it must be that of the collector, `http://127.0.0.1:8085` by default.',
    413: 'Send fewer records in one request, or raise the limits of the collector.',
  };
  return new SimulatorError({
    code: 'simulator-delivery-refused',
    message: `The collector refused ${count} records with ${answer.status}: ${answer.text.slice(0, excerptLength)}`,
    hint: hints[answer.status] ?? 'Read the answer above; sending the same again will not help.',
    details: { status: answer.status, records: count },
  });
}

function invalid(answer: HttpAnswer, count: number): SimulatorError {
  return new SimulatorError({
    code: 'simulator-answer-invalid',
    message: `The collector's answer has not one result for each of ${count} records: ${answer.text.slice(0, excerptLength)}`,
    hint: 'Check that the URL leads to a clicklake collector of this version.',
    details: { status: answer.status, records: count },
  });
}
