import { isUtf8 } from 'node:buffer';
import {
  endOfValue,
  parseEventJson,
  skipSpace,
  type Contract,
  type EventText,
  type PrepareContext,
  type Rejection,
} from '@clicklake/contract';
import type { BodyFormat } from '../body-format.ts';
import type { JudgedEvents, Verdicts } from './judged-events.ts';

/** Why a body as a whole is not JSON: it becomes one dead letter. */
export interface UnparseableBody {
  readonly reason: 'malformed_json' | 'too_deep';
  readonly message: string;
}

export interface Judge {
  readonly contract: Contract;
  readonly context: PrepareContext;
  readonly maxEvents: number;
  /** Memory for what comes out. */
  readonly verdicts: Verdicts;
}

/**
 * Judges the events of a body where they stand, and makes their records; pure.
 *
 * @throws Refusal `too-many-events`.
 */
export function judgeBody(body: Buffer, format: BodyFormat, judge: Judge): JudgedEvents | UnparseableBody {
  const { context, maxEvents, verdicts } = judge;
  verdicts.begin(context, maxEvents);
  const why = format === 'ndjson' ? judgeLines(body, judge) : judgeDocument(body, judge);
  return why ?? verdicts.all();
}

const openBracket = 0x5b;
const closeBracket = 0x5d;
const comma = 0x2c;
const newline = 0x0a;

function judgeDocument(body: Buffer, judge: Judge): UnparseableBody | undefined {
  if (!isUtf8(body)) return { reason: 'malformed_json', message: 'The body is not UTF-8.' };
  const text = judge.verdicts.read(body);
  const start = skipSpace(body, 0);
  try {
    if (body[start] === openBracket) judgeElements(text, start, judge);
    else judgeValue(text, start, { from: 0, to: body.length }, judge);
    return undefined;
  } catch (error) {
    if (error instanceof RangeError)
      return { reason: 'too_deep', message: 'Objects and arrays are nested too deep.' };
    if (error instanceof SyntaxError) return { reason: 'malformed_json', message: 'The body is not JSON.' };
    throw error;
  }
}

/** @throws SyntaxError, RangeError */
function judgeElements(text: EventText, start: number, judge: Judge): void {
  const { bytes } = text;
  let at = skipSpace(bytes, start + 1);
  if (bytes[at] !== closeBracket) {
    for (;;) {
      at = skipSpace(bytes, judgeElement(text, at, judge));
      if (bytes[at] === closeBracket) break;
      if (bytes[at] !== comma) throw new SyntaxError('neither another element nor the end');
      at = skipSpace(bytes, at + 1);
    }
  }
  if (skipSpace(bytes, at + 1) !== bytes.length) throw new SyntaxError('more after the array');
}

/** Returns the index after the element. @throws SyntaxError, RangeError */
function judgeElement(text: EventText, from: number, judge: Judge): number {
  const plain = judge.contract.prepareText(text, from, judge.context);
  if (plain !== undefined) {
    judge.verdicts.acceptText(plain);
    return plain.end;
  }
  const to = endOf(text.bytes, from);
  judgeParsed(text, { from, to }, judge);
  return to;
}

/** Bytes `from` to `to` (exclusive) of a body. */
interface ByteRange {
  readonly from: number;
  readonly to: number;
}

/** Judges the one value in a range. @param start the first byte that is not white space. */
function judgeValue(text: EventText, start: number, range: ByteRange, judge: Judge): void {
  const plain = judge.contract.prepareText(text, start, judge.context);
  // White space may hold the newline that ends the range.
  if (plain !== undefined && plain.end <= range.to && skipSpace(text.bytes, plain.end) >= range.to) {
    judge.verdicts.acceptText(plain);
    return;
  }
  endOf(text.bytes, start);
  judgeParsed(text, range, judge);
}

/** @throws SyntaxError, RangeError */
function judgeParsed(
  { bytes }: EventText,
  { from, to }: ByteRange,
  { contract, context, verdicts }: Judge,
): void {
  const verdict = contract.prepare(parseEventJson(bytes.toString('utf8', from, to)), context);
  if (verdict.ok) verdicts.accept(verdict);
  else verdicts.reject(verdict, bytes.subarray(from, to));
}

/** Above this many bytes a body is looked at for absurd nesting before the parser sees it. */
const bytesParsedBlindly = 64 * 1024;
/** Far above any contract's `maxDepth`: what is below gets its verdict event by event. */
const maxBodyDepth = 1_000;

/** @throws RangeError */
function endOf(bytes: Uint8Array, start: number): number {
  const maxDepth = bytes.length > bytesParsedBlindly ? maxBodyDepth - 1 : Infinity;
  const end = endOfValue(bytes, start, maxDepth);
  if (end === undefined) throw new RangeError('nested too deep');
  return end;
}

function judgeLines(body: Buffer, judge: Judge): undefined {
  const text = judge.verdicts.read(body);
  const allUtf8 = isUtf8(body);
  for (let from = 0; from < body.length;) {
    const found = body.indexOf(newline, from);
    const to = found === -1 ? body.length : found;
    const start = skipSpace(body, from);
    if (start < to) judgeLine(text, start, { from, to }, allUtf8, judge);
    from = to + 1;
  }
}

function judgeLine(text: EventText, start: number, range: ByteRange, knownUtf8: boolean, judge: Judge): void {
  const line = text.bytes.subarray(range.from, range.to);
  if (!knownUtf8 && !isUtf8(line)) return judge.verdicts.reject(notJson, line);
  try {
    judgeValue(text, start, range, judge);
  } catch (error) {
    if (!(error instanceof SyntaxError) && !(error instanceof RangeError)) throw error;
    judge.verdicts.reject(notJson, line);
  }
}

const notJson: Rejection = {
  ok: false,
  eventId: null,
  field: null,
  reason: 'malformed_json',
  message: 'The line is not JSON.',
};
