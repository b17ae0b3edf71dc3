import { writeByte, writeBytes, writeOwnBytes, writeText, type ByteWriter } from './byte-writer.ts';
import type { EventText, StampedRun } from './event-text.ts';
import { byte } from './json-bytes.ts';
import { asWritten } from './plain-values.ts';
import { at, slotList } from './record-slots.ts';

/** What neighbours the collector stamps: their slots in order. */
const stampedRuns: readonly (readonly number[])[] = [
  [at.ipAddress, at.deviceType, at.browser, at.os],
  [at.receivedAt, at.sourceId, at.isBot],
];
/** By slot: the run that begins with it. */
const runBySlot = slotList.map(({ index }) => stampedRuns.find(([first]) => first === index));

/**
 * Writes the canonical text of the event that was just read. Members that are neighbours in the event as they
 * are in the canonical text are copied as one.
 */
export function writeCanonical(text: EventText, texts: readonly (string | undefined)[]): void {
  const { out, names, values, ends } = text;
  let copyFrom = -1;
  let copyTo = -1;
  let separator: number = byte.openBrace;
  for (let index = 0; index < slotList.length; index += 1) {
    const own = texts[index];
    // No client has a client_timestamp of its own: what its clock said is what it wrote as the time.
    const from = index === at.clientTimestamp ? at.timestamp : index;
    const nameAt = own === asWritten && from === index ? (names[index] ?? -1) : -1;
    // One byte between them: the comma.
    if (nameAt >= 0 && copyFrom >= 0 && nameAt === copyTo + 1) {
      copyTo = ends[index] ?? 0;
      continue;
    }
    const run = runBySlot[index];
    const isRun = run !== undefined && isStamped(run, texts);
    if (own === undefined && !isRun) continue;
    if (copyFrom >= 0) writeOwnBytes(out, copyFrom, copyTo);
    copyFrom = -1;
    if (isRun) {
      writeRun(out, run, texts, text.stampedRuns);
      index += run.length - 1;
      continue;
    }
    writeByte(out, separator);
    separator = byte.comma;
    if (nameAt >= 0) {
      copyFrom = nameAt;
      copyTo = ends[index] ?? 0;
    } else if (own === asWritten) {
      const name = memberNames[index];
      if (name !== undefined) writeBytes(out, name, 0, name.length);
      writeOwnBytes(out, values[from] ?? 0, ends[from] ?? 0);
    } else writeMember(out, index, own ?? '');
  }
  if (copyFrom >= 0) writeOwnBytes(out, copyFrom, copyTo);
  writeByte(out, byte.closeBrace);
}

/** By slot: the name in quotes and the colon. */
const memberNames = slotList.map(({ name }) => Buffer.from(`"${name}":`));

function writeMember(out: ByteWriter, index: number, value: string): void {
  const name = memberNames[index];
  if (name !== undefined) writeBytes(out, name, 0, name.length);
  const isQuoted = slotList[index]?.isQuoted === true;
  if (isQuoted) writeByte(out, byte.quote);
  writeText(out, value);
  if (isQuoted) writeByte(out, byte.quote);
}

/** What every canonical text begins with, before the id. */
export const canonicalStart = '{"event_id":"';

/** Whether the event itself has none of them. */
function isStamped(run: readonly number[], texts: readonly (string | undefined)[]): boolean {
  for (const index of run) if (texts[index] === asWritten) return false;
  return true;
}

function writeRun(
  out: ByteWriter,
  run: readonly number[],
  texts: readonly (string | undefined)[],
  runs: StampedRun[],
): void {
  for (const known of runs)
    if (hasTexts(known, run, texts)) return writeOwnBytes(out, known.start, known.end);
  const start = out.used;
  for (const index of run) {
    const value = texts[index];
    if (value === undefined) continue;
    writeByte(out, byte.comma);
    writeMember(out, index, value);
  }
  if (runs.length < mostRuns) {
    runs.push({ slots: run, texts: run.map((index) => texts[index]), start, end: out.used });
  }
}

/** What was written from there on is taken back. */
export function forgetRunsFrom({ stampedRuns: runs }: EventText, start: number): void {
  while ((runs.at(-1)?.end ?? 0) > start) runs.pop();
}

/** Of a body from more browsers the later ones are encoded each time: looking them up would cost as much. */
const mostRuns = 16;

function hasTexts(
  known: StampedRun,
  run: readonly number[],
  texts: readonly (string | undefined)[],
): boolean {
  if (known.slots !== run) return false;
  for (let index = 0; index < run.length; index += 1) {
    if (known.texts[index] !== texts[run[index] ?? 0]) return false;
  }
  return true;
}
