import { closeSync, openSync, writeSync } from 'node:fs';
import type { SendOutcome } from './event-sink.ts';
import type { SimulatedRecord } from './simulated-record.ts';
import { createTruthTally, truthLineOf, type TruthDelivery, type TruthSummary } from './truth.ts';

export interface TruthWriter {
  /** The records' delivery has ended well. */
  delivered(records: readonly SimulatedRecord[], outcome: Pick<SendOutcome, 'resent'>): void;
  /** Their delivery was given up: nobody knows whether they arrived. */
  undelivered(records: readonly SimulatedRecord[]): void;
  /** Writes the summary and closes the file; calling it again only gives the summary again. */
  close(): TruthSummary;
}

/**
 * Writes a truth file, replacing one that is there. Each batch is one synchronous write, made when its delivery
 * has ended: a file that a kill cut short has no summary, and lacks at most the batches that were under way.
 */
export function createTruthWriter(path: string): TruthWriter {
  const file = openSync(path, 'w');
  const tally = createTruthTally();
  let closed = false;

  const write = (
    records: readonly SimulatedRecord[],
    deliveryOf: (record: SimulatedRecord) => TruthDelivery,
  ): void => {
    let text = '';
    for (const record of records) {
      const line = truthLineOf(record, deliveryOf(record));
      tally.add(line);
      text += `${JSON.stringify(line)}\n`;
    }
    writeWhole(file, text);
  };

  return {
    delivered(records, outcome) {
      const extra = countEach(outcome.resent);
      write(records, (record) => {
        const sends = 1 + (extra.get(record) ?? 0);
        return sends > 1 ? { sends } : {};
      });
    },
    undelivered(records) {
      write(records, () => ({ delivered: false }));
    },
    close() {
      const summary = tally.summary();
      if (!closed) {
        closed = true;
        writeWhole(file, `${JSON.stringify(summary)}\n`);
        closeSync(file);
      }
      return summary;
    },
  };
}

function writeWhole(file: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let written = 0; written < bytes.length;) written += writeSync(file, bytes, written);
}

function countEach<T>(values: readonly T[]): Map<T, number> {
  const counts = new Map<T, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}
