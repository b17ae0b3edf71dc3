import { isUtf8 } from 'node:buffer';
import type { LogReader, LogRecord, PartitionState, RecordBatch, Topic } from '@clicklake/event-log';
import { isClicklakeError } from '@clicklake/errors';
import { deadLetterOfRejection } from '../ingest/dead-letter.ts';
import type { ReadPositions } from '../ingest/intake.ts';
import type { LogHolding, RecordPlace } from './event-trace.ts';
import { isTopic } from './record-place.ts';

/** What the log holds of a record. */
export async function readLogRecord(log: LogReader, place: RecordPlace): Promise<LogHolding> {
  const { topic, partition } = place;
  const offset = BigInt(place.offset);
  if (!isTopic(topic)) return { state: 'unreadable', message: `There is no topic ${topic}.` };
  const states = await log.describe();
  const state = states.find((found) => found.topic === topic && found.partition === partition);
  const startOffset = state?.startOffset ?? 0n;
  if (offset < startOffset) return { state: 'deleted', startOffset: Number(startOffset) };
  try {
    const [batch] = await log.fetch(topic, partition, offset, 1);
    const record = batch?.records()[0];
    if (record?.offset === offset) return holdingOf(record);
    return { state: 'unreadable', message: 'The log passes over this offset.' };
  } catch (error) {
    if (isClicklakeError(error) && error.code.startsWith('log-'))
      return { state: 'unreadable', message: error.message };
    throw error;
  }
}

export function holdingOf({ value, judgedBy }: LogRecord): LogHolding {
  const bytes = Buffer.from(value);
  const encoding = isUtf8(bytes) ? 'utf8' : 'base64';
  return { state: 'held', bytes: bytes.length, value: bytes.toString(encoding), encoding, judgedBy };
}

/** A record in flight that bears the id. */
export interface InFlightRecord extends RecordPlace {
  readonly receivedAt: number;
  readonly sourceId: string | null;
  readonly log: LogHolding;
}

export interface InFlight {
  readonly found: readonly InFlightRecord[];
  /** Records read. */
  readonly read: number;
  /** Older ones that were not, because there are too many. */
  readonly passedOver: number;
}

const readBytes = 8 * 1024 * 1024;

/**
 * What a trace reads of the log at most, in bytes of records: a few tenths of a second. Where ingest is further behind,
 * the newest are read: who traces an event has mostly just sent it, and the others are in the tables before long.
 */
export const mostInFlightBytes = 256 * 1024 * 1024;

/**
 * Reads the log from these positions to its end, for records that bear the id. Stops before what is unreadable.
 *
 * @param mostBytes of all partitions together, about.
 */
export async function findInFlight(
  log: LogReader,
  from: ReadPositions,
  eventId: string,
  mostBytes: number,
): Promise<InFlight> {
  const found: InFlightRecord[] = [];
  let read = 0;
  let passedOver = 0;
  const needle = Buffer.from(plainPart(eventId));
  for (const stretch of uncommittedStretches(await log.describe(), from, mostBytes)) {
    const { topic, partition, first, end } = stretch;
    passedOver += Number(first - stretch.uncommittedFrom);
    for (let next = first; next < end;) {
      const batches = await fetchReadable(log, topic, partition, next);
      const last = batches.at(-1);
      if (last === undefined) break;
      for (const batch of batches) {
        read += batch.count;
        for (const record of recordsWith(batch, topic, needle)) {
          const told = readRecord(record, topic, partition);
          if (told?.eventId !== eventId) continue;
          found.push({
            topic,
            partition,
            offset: Number(record.offset),
            receivedAt: told.receivedAt,
            sourceId: told.sourceId,
            log: holdingOf(record),
          });
        }
      }
      next = last.nextOffset;
    }
  }
  return { found, read, passedOver };
}

/** What of a partition no table covers, and which part of it is read. */
interface Stretch {
  readonly topic: Topic;
  readonly partition: number;
  readonly uncommittedFrom: bigint;
  readonly first: bigint;
  /** Exclusive. */
  readonly end: bigint;
}

/**
 * The newest records of each partition, as many as its share of the bytes holds by the mean size of its records.
 * Pure.
 */
export function uncommittedStretches(
  states: readonly Pick<PartitionState, 'topic' | 'partition' | 'startOffset' | 'endOffset' | 'bytes'>[],
  from: ReadPositions,
  mostBytes: number,
): readonly Stretch[] {
  const stretches = states.map(({ topic, partition, startOffset, endOffset: end, bytes }) => {
    const covered = (topic === 'clickstream-events' ? from.events[partition] : from.errors) ?? 0n;
    const uncommittedFrom = covered < startOffset ? startOffset : covered;
    const meanBytes = end > startOffset ? bytes / Number(end - startOffset) : 0;
    return { topic, partition, uncommittedFrom, end, bytes: Number(end - uncommittedFrom) * meanBytes };
  });
  const total = stretches.reduce((sum, { bytes }) => sum + Math.max(0, bytes), 0);
  const share = total > mostBytes ? mostBytes / total : 1;
  return stretches.map(({ topic, partition, uncommittedFrom, end }) => {
    const kept = BigInt(Math.ceil(Number(end - uncommittedFrom) * share));
    const first = share === 1 ? uncommittedFrom : end - kept;
    return { topic, partition, uncommittedFrom, first, end };
  });
}

/** Nothing beyond a range that cannot be read: ingest stands before it, too (S5.1). */
async function fetchReadable(
  log: LogReader,
  topic: Topic,
  partition: number,
  from: bigint,
): Promise<readonly RecordBatch[]> {
  try {
    return await log.fetch(topic, partition, from, readBytes);
  } catch (error) {
    if (isClicklakeError(error) && error.code === 'log-corrupt-range') return [];
    throw error;
  }
}

/** Records that may bear the id: canonical text writes plain letters and digits as they are. */
function recordsWith(batch: RecordBatch, topic: Topic, needle: Buffer): readonly LogRecord[] {
  if (topic === 'clickstream-events' && batch.judgedBy !== null && batch.lines !== null) {
    if (!Buffer.from(batch.lines.buffer, batch.lines.byteOffset, batch.lines.byteLength).includes(needle))
      return [];
  }
  return batch.records();
}

/** The longest run of an id that no writer of JSON has a reason to escape. */
function plainPart(eventId: string): string {
  return (eventId.match(/[A-Za-z0-9_-]+/g) ?? ['']).reduce((longest, part) =>
    part.length > longest.length ? part : longest,
  );
}

interface ToldRecord {
  readonly eventId: string | null;
  readonly receivedAt: number;
  readonly sourceId: string | null;
}

function readRecord(record: LogRecord, topic: Topic, partition: number): ToldRecord | undefined {
  if (topic === 'clickstream-errors') return deadLetterOfRejection(record, partition);
  const { event_id: eventId } = parseObject(Buffer.from(record.value).toString('utf8'));
  return {
    eventId: typeof eventId === 'string' ? eventId : null,
    receivedAt: record.timestamp,
    sourceId: sourceOfValue(Buffer.from(record.value).toString('utf8')),
  };
}

/** The source that a record of an event names. */
export function sourceOfValue(value: string): string | null {
  const { source_id: sourceId } = parseObject(value);
  return typeof sourceId === 'string' ? sourceId : null;
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
  } catch {
    return {};
  }
}
