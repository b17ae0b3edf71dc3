import type {
  EventLog,
  LogReader,
  LogRecord,
  NewRecord,
  PartitionOffsets,
  Topic,
} from '@clicklake/event-log';
import { topicPartitions } from '@clicklake/event-log';

export const topics = Object.keys(topicPartitions) as Topic[];

export function newRecord(change: Partial<NewRecord> = {}): NewRecord {
  return {
    topic: 'clickstream-events',
    key: 'user',
    value: 'value',
    timestamp: 1,
    judgedBy: null,
    ...change,
  };
}

/** Records of one partition of `clickstream-errors` (it has only one), numbered from `first`. */
export function errorRecords(first: number, count: number, change: Partial<NewRecord> = {}): NewRecord[] {
  return Array.from({ length: count }, (_, index) =>
    newRecord({
      topic: 'clickstream-errors',
      key: null,
      value: `value ${first + index}`,
      timestamp: first + index,
      ...change,
    }),
  );
}

export const keepNothing: Readonly<Record<Topic, PartitionOffsets>> = {
  'clickstream-events': Array<bigint>(3).fill(2n ** 60n),
  'clickstream-errors': [2n ** 60n],
};

/** All records of a partition from an offset on, a fetch at a time. */
export async function readFrom(
  reader: LogReader,
  topic: Topic,
  partition: number,
  from = 0n,
  maxBytes = 1 << 20,
): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  for (let offset = from; ;) {
    const batches = await reader.fetch(topic, partition, offset, maxBytes);
    for (const batch of batches) {
      records.push(...batch.records());
      offset = batch.nextOffset;
    }
    if (batches.length === 0) return records;
  }
}

export function text(record: LogRecord): string {
  return Buffer.from(record.value).toString('utf8');
}

export async function withReader<T>(log: EventLog, work: (reader: LogReader) => Promise<T>): Promise<T> {
  const reader = await log.openReader();
  try {
    return await work(reader);
  } finally {
    await reader.close();
  }
}
