import type { Pressure } from '@clicklake/collector';
import { nodeFileSystem } from '@clicklake/durable-files';
import type { LogReader } from '@clicklake/event-log';
import { ingestGroup } from '@clicklake/pipeline';

const intervalMs = 1_000;

/** How hard pressed the log is, measured once a second: the collector asks on every request. */
export interface PressureGauge {
  read(): Pressure;
  stop(): Promise<void>;
}

export function startPressureGauge(reader: LogReader, logDirectory: string): PressureGauge {
  let pressure: Pressure = { lagRecords: 0, diskFreeBytes: Number.POSITIVE_INFINITY };
  let measuring: Promise<void> = Promise.resolve();

  async function measure(): Promise<void> {
    const [lagRecords, diskFreeBytes] = await Promise.all([
      lagOf(reader),
      nodeFileSystem.freeBytes(logDirectory),
    ]);
    pressure = { lagRecords, diskFreeBytes };
  }

  const timer = setInterval(() => {
    // A reading that fails leaves the last one in force; the log itself refuses what it cannot store.
    measuring = measuring.then(measure).catch(() => undefined);
  }, intervalMs);
  return {
    read: () => pressure,
    async stop() {
      clearInterval(timer);
      await measuring;
    },
  };
}

/** Offsets between what ingest committed and the log's end: at least as many as there are records. */
async function lagOf(reader: LogReader): Promise<number> {
  const [states, committed] = await Promise.all([reader.describe(), reader.committed(ingestGroup)]);
  let lag = 0n;
  for (const { topic, partition, startOffset, endOffset } of states) {
    lag += endOffset - (committed?.[topic][partition] ?? startOffset);
  }
  return Number(lag);
}
