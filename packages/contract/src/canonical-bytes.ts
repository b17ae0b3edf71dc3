import { writeByte, writeBytes, writeText, type ByteWriter } from './byte-writer.ts';
import { absent, type EventText, type StampedRun } from './event-text.ts';
import { byte } from './json-bytes.ts';
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
export function writeCanonical(
  text: EventText,
  texts: readonly (string | undefined)[],
  out: ByteWriter,
): void {
  const { bytes, starts, ends } = text;
  let copyFrom = -1;
  let copyTo = -1;
  let separator: number = byte.openBrace;
  for (let index = 0; index < slotList.length; index += 1) {
    const start = starts[index] ?? absent;
    if (start >= 0) {
      // One byte between them: the comma.
      if (copyFrom < 0 || start !== copyTo + 1) {
        if (copyFrom >= 0) writeBytes(out, bytes, copyFrom, copyTo);
        writeByte(out, separator);
        separator = byte.comma;
        copyFrom = start;
      }
      copyTo = ends[index] ?? 0;
      continue;
    }
    const run = runBySlot[index];
    if (run !== undefined && isStamped(run, starts)) {
      if (copyFrom >= 0) writeBytes(out, bytes, copyFrom, copyTo);
      copyFrom = -1;
      const encoded = encodedRun(run, texts, text.stampedRuns);
      writeBytes(out, encoded, 0, encoded.length);
      index += run.length - 1;
      continue;
    }
    const own = texts[index];
    if (own === undefined) continue;
    if (copyFrom >= 0) writeBytes(out, bytes, copyFrom, copyTo);
    copyFrom = -1;
    writeByte(out, separator);
    separator = byte.comma;
    const member = memberStarts[index];
    if (member !== undefined) writeBytes(out, member, 0, member.length);
    writeText(out, own);
    if (slotList[index]?.isQuoted === true) writeByte(out, byte.quote);
  }
  if (copyFrom >= 0) writeBytes(out, bytes, copyFrom, copyTo);
  writeByte(out, byte.closeBrace);
}

/** What every canonical text begins with, before the id. */
export const canonicalStart = '{"event_id":"';

const memberStarts = slotList.map(({ memberStart }) => Buffer.from(memberStart));

/** Whether the event itself has none of them. */
function isStamped(run: readonly number[], starts: Int32Array): boolean {
  for (const index of run) if ((starts[index] ?? absent) >= 0) return false;
  return true;
}

function encodedRun(
  run: readonly number[],
  texts: readonly (string | undefined)[],
  runs: StampedRun[],
): Buffer {
  for (const known of runs) if (hasTexts(known, run, texts)) return known.bytes;
  const members = run.flatMap((index) => {
    const slot = slotList[index];
    const value = texts[index];
    return slot === undefined || value === undefined
      ? []
      : [`,${slot.memberStart}${value}${slot.isQuoted ? '"' : ''}`];
  });
  const bytes = Buffer.from(members.join(''));
  if (runs.length < mostRuns) runs.push({ slots: run, texts: run.map((index) => texts[index]), bytes });
  return bytes;
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
