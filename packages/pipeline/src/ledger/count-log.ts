import { isClicklakeError } from '@clicklake/errors';
import type { LogReader, Topic } from '@clicklake/event-log';

export interface LogCount {
  readonly readable: number;
  /** Offsets that cannot be read and that nobody has given up yet. */
  readonly corrupt: number;
}

const windowBytes = 16 * 1024 * 1024;

/**
 * Counts the records of an offset range by reading them, which verifies their checksums. Bounded by `to`:
 * what is appended meanwhile does not count.
 */
export async function countLog(
  log: LogReader,
  topic: Topic,
  partition: number,
  from: bigint,
  to: bigint,
): Promise<LogCount> {
  let readable = 0;
  let corrupt = 0;
  for (let at = from; at < to;) {
    try {
      const batches = await log.fetch(topic, partition, at, windowBytes);
      const next = batches.at(-1)?.nextOffset;
      if (next === undefined) break;
      for (const batch of batches) {
        readable +=
          batch.nextOffset <= to ? batch.count : batch.records().filter(({ offset }) => offset < to).length;
      }
      at = next;
    } catch (error) {
      const end = endOfCorruptRange(error);
      if (end === undefined || end <= at) throw error;
      corrupt += Number((end < to ? end : to) - at);
      at = end;
    }
  }
  return { readable, corrupt };
}

function endOfCorruptRange(error: unknown): bigint | undefined {
  if (!isClicklakeError(error) || error.code !== 'log-corrupt-range') return undefined;
  return typeof error.details.to === 'bigint' ? error.details.to : undefined;
}
