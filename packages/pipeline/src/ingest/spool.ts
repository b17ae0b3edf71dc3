import { join } from 'node:path';
import { createContract, type Contract } from '@clicklake/contract';
import { nodeFileSystem } from '@clicklake/durable-files';
import type { LogRecord, RecordBatch } from '@clicklake/event-log';
import { PipelineError } from '../pipeline-error.ts';
import type { CommittedVerdicts } from './committed-verdicts.ts';
import { deadLetterOfRecord, type DeadLetter } from './dead-letter.ts';

/** What one partition of `clickstream-events` gave to a tick. */
export interface PartitionBatches {
  readonly partition: number;
  readonly batches: readonly RecordBatch[];
}

/** Lines of one spool file whose offsets follow one another: row r of the run is offset `firstOffset + r`. */
export interface SpoolRun {
  readonly partition: number;
  readonly firstOffset: bigint;
  readonly rows: number;
}

export interface Spool {
  /** NDJSON files of canonical record values, to be read in this order. */
  readonly files: readonly string[];
  /** The runs of all files in that order; rows after the last run say their own coordinates in `$p`, `$o`. */
  readonly runs: readonly SpoolRun[];
  readonly pickedRows: number;
  /** Bytes that no line is longer than. */
  readonly longestLine: number;
  readonly deadLetters: readonly DeadLetter[];
}

/**
 * Lays the batches of a tick out as files for DuckDB's JSON reader. A batch that our own contract judged at
 * the collector is taken as it lies, one write without a look at its records; every other record is judged
 * here (S1.3), unless its verdict is on record already.
 */
export async function spoolBatches(
  directory: string,
  input: readonly PartitionBatches[],
  contract: Contract,
  verdicts: CommittedVerdicts,
): Promise<Spool> {
  const files: string[] = [];
  const runs: SpoolRun[] = [];
  const picked: string[] = [];
  const deadLetters: DeadLetter[] = [];
  for (const { partition, batches } of input) {
    const whole: Uint8Array[] = [];
    for (const batch of batches) {
      const lines = wholeLines(batch, partition, contract, verdicts);
      if (lines !== null) {
        whole.push(lines);
        extendRuns(runs, partition, batch, whole.length === 1);
        continue;
      }
      for (const record of batch.records()) {
        const verdict = judgeRecord(record, partition, contract, verdicts);
        if (verdict === 'dead-already') continue;
        if (typeof verdict === 'string') picked.push(withCoordinates(verdict, partition, record.offset));
        else deadLetters.push(verdict);
      }
    }
    if (whole.length > 0)
      files.push(await writeScratch(join(directory, `events-${partition}.ndjson`), whole));
  }
  if (picked.length > 0) {
    files.push(await writeScratch(join(directory, 'picked.ndjson'), [Buffer.from(picked.join(''))]));
  }
  const longestLine = picked.reduce(
    (most, line) => Math.max(most, Buffer.byteLength(line)),
    contract.settings.maxEventBytes,
  );
  return { files, runs, pickedRows: picked.length, longestLine, deadLetters };
}

function wholeLines(
  batch: RecordBatch,
  partition: number,
  contract: Contract,
  verdicts: CommittedVerdicts,
): Uint8Array | null {
  if (batch.judgedBy !== contract.fingerprint) return null;
  return verdicts.validityKnown(partition, batch.baseOffset) ? null : batch.lines;
}

function extendRuns(runs: SpoolRun[], partition: number, batch: RecordBatch, startsFile: boolean): void {
  const last = runs.at(-1);
  const follows =
    !startsFile && last?.partition === partition && last.firstOffset + BigInt(last.rows) === batch.baseOffset;
  if (follows) runs[runs.length - 1] = { ...last, rows: last.rows + batch.count };
  else runs.push({ partition, firstOffset: batch.baseOffset, rows: batch.count });
}

/** The canonical text of a valid record, or its dead letter. */
function judgeRecord(
  record: LogRecord,
  partition: number,
  contract: Contract,
  verdicts: CommittedVerdicts,
): string | DeadLetter | 'dead-already' {
  const known = verdicts.validityKnown(partition, record.offset);
  if (known && verdicts.isDead(partition, record.offset)) return 'dead-already';
  if (record.judgedBy === contract.fingerprint || (known && record.judgedBy !== null)) {
    return Buffer.from(record.value.buffer, record.value.byteOffset, record.value.byteLength).toString(
      'utf8',
    );
  }
  // An event without an id gets one made of its place, so that reading it again gives the same event.
  const newEventId = (): string => `log:clickstream-events:${partition}:${record.offset}`;
  if (!known) {
    const verdict = contract.judge(record.value, record.timestamp, newEventId);
    return verdict.ok ? verdict.value : deadLetterOfRecord(record, 'clickstream-events', partition, verdict);
  }
  const verdict = withoutLimits(contract).judge(record.value, record.timestamp, newEventId);
  if (verdict.ok) return verdict.value;
  throw new PipelineError({
    code: 'ingest-failed',
    message: `Offset ${record.offset} of clickstream-events, partition ${partition}, was judged valid by an earlier version, and this one cannot store it: ${verdict.message}`,
    hint: 'Start the earlier version once until it has caught up, then this one.',
    details: { partition, offset: record.offset.toString() },
  });
}

/** For a record whose validity is on record already: the settings' limits have nothing to say any more. */
function withoutLimits(contract: Contract): Contract {
  return createContract({
    ...contract.settings,
    maxEventAgeDays: 36_500,
    maxEventBytes: 16_777_216,
    maxDepth: 100,
  });
}

/** The value's own members follow ours: `{"$p":0,"$o":17,"event_id":…}`. */
function withCoordinates(value: string, partition: number, offset: bigint): string {
  return `{"$p":${partition},"$o":${offset},${value.slice(1)}\n`;
}

/**
 * Scratch: nothing of it outlives the tick, so it is neither synced nor under the power-cut layer. The file is
 * overwritten in place and cut to length, which spares the kernel new pages at every tick.
 */
async function writeScratch(path: string, parts: readonly Uint8Array[]): Promise<string> {
  const file = await nodeFileSystem.open(path, 'append');
  try {
    await file.write(parts, 0);
    await file.truncate(parts.reduce((sum, part) => sum + part.byteLength, 0));
  } finally {
    await file.close();
  }
  return path;
}
