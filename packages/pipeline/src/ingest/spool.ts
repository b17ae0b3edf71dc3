import { join } from 'node:path';
import { createContract, type Contract } from '@clicklake/contract';
import { nodeFileSystem } from '@clicklake/durable-files';
import type { LogRecord, RecordBatch } from '@clicklake/event-log';
import { PipelineError } from '../pipeline-error.ts';
import type { CommittedVerdicts } from './committed-verdicts.ts';
import { deadLetterOfRecord, type DeadLetter } from './dead-letter.ts';
import type { PartitionBatches } from './intake.ts';

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
  /** Of all files together. */
  readonly lines: number;
  /** Bytes that no line is longer than. */
  readonly longestLine: number;
  readonly deadLetters: readonly DeadLetter[];
}

/** The bounds of the contract's own settings. */
const noLimits = { maxEventAgeDays: 36_500, maxEventBytes: 16_777_216, maxDepth: 100 };

/**
 * Lays the batches of a tick out as files for DuckDB's JSON reader. A batch that our own contract judged at
 * the collector is taken as it lies, one write without a look at its records; every other record is judged
 * here (S1.3), unless its verdict is on record already.
 *
 * @param mode `judging` takes no fingerprint at its word: every record is judged.
 */
export async function spoolBatches(
  directory: string,
  input: readonly PartitionBatches[],
  contract: Contract,
  verdicts: CommittedVerdicts,
  mode: 'trusting' | 'judging',
): Promise<Spool> {
  const trusts = (judgedBy: string | null): boolean =>
    mode === 'trusting' && judgedBy === contract.fingerprint;
  const lenient = createContract({ ...contract.settings, ...noLimits });
  const options = { contract, lenient, verdicts, trusts };
  const files: string[] = [];
  const runs: SpoolRun[] = [];
  const picked: string[] = [];
  const deadLetters: DeadLetter[] = [];
  const whole: Uint8Array[] = [];
  for (const { partition, batches } of input) {
    for (const batch of batches) {
      const lines =
        trusts(batch.judgedBy) && !verdicts.validityKnown(partition, batch.baseOffset) ? batch.lines : null;
      if (lines !== null) {
        whole.push(lines);
        extendRuns(runs, partition, batch);
        continue;
      }
      for (const record of batch.records()) {
        const verdict = judgeRecord(record, partition, options);
        if (verdict === undefined) continue;
        if (typeof verdict === 'string') picked.push(withCoordinates(verdict, partition, record.offset));
        else deadLetters.push(verdict);
      }
    }
  }
  // One file for all partitions: DuckDB's reader has buffers for each.
  if (whole.length > 0) files.push(await writeScratch(join(directory, 'events.ndjson'), whole));
  if (picked.length > 0) {
    files.push(await writeScratch(join(directory, 'picked.ndjson'), [Buffer.from(picked.join(''))]));
  }
  const longestLine = picked.reduce(
    (most, line) => Math.max(most, Buffer.byteLength(line)),
    contract.settings.maxEventBytes,
  );
  const lines = runs.reduce((sum, run) => sum + run.rows, picked.length);
  return { files, runs, pickedRows: picked.length, lines, longestLine, deadLetters };
}

function extendRuns(runs: SpoolRun[], partition: number, batch: RecordBatch): void {
  const last = runs.at(-1);
  if (last?.partition === partition && last.firstOffset + BigInt(last.rows) === batch.baseOffset)
    runs[runs.length - 1] = { ...last, rows: last.rows + batch.count };
  else runs.push({ partition, firstOffset: batch.baseOffset, rows: batch.count });
}

interface JudgeOptions {
  readonly contract: Contract;
  /** For a record whose validity is on record: the settings' limits have nothing to say any more. */
  readonly lenient: Contract;
  readonly verdicts: CommittedVerdicts;
  readonly trusts: (judgedBy: string | null) => boolean;
}

/** The canonical text of a valid record, or its dead letter; undefined when that is on record already. */
function judgeRecord(
  record: LogRecord,
  partition: number,
  { contract, lenient, verdicts, trusts }: JudgeOptions,
): string | DeadLetter | undefined {
  const known = verdicts.validityKnown(partition, record.offset);
  if (known && verdicts.isDead(partition, record.offset)) return undefined;
  if (trusts(record.judgedBy)) {
    const text = canonicalText(record);
    if (text !== undefined) return text;
  }
  // An event without an id gets one made of its place, so that reading it again gives the same event.
  const newEventId = (): string => `log:clickstream-events:${partition}:${record.offset}`;
  const verdict = (known ? lenient : contract).judge(record.value, record.timestamp, newEventId);
  if (verdict.ok) return verdict.value;
  if (!known) return deadLetterOfRecord(record, 'clickstream-events', partition, verdict);
  // Valid by a contract that is not ours any more: what it called canonical is stored as it is.
  const text = record.judgedBy === null ? undefined : canonicalText(record);
  if (text !== undefined) return text;
  throw new PipelineError({
    code: 'ingest-failed',
    message: `Offset ${record.offset} of clickstream-events, partition ${partition}, was judged valid by an earlier version, and this one cannot store it: ${verdict.message}`,
    hint: 'Start the earlier version once until it has caught up, then this one.',
    details: { partition, offset: record.offset.toString() },
  });
}

/** A value that claims to be canonical, as one line; undefined when it cannot be. */
function canonicalText(record: LogRecord): string | undefined {
  const { buffer, byteOffset, byteLength } = record.value;
  const text = Buffer.from(buffer, byteOffset, byteLength).toString('utf8');
  return !text.startsWith('{"') || text.includes('\n') || ownCoordinates.test(text) ? undefined : text;
}

/** Canonical text has no such members; a value that has would speak for another record (`withCoordinates`). */
const ownCoordinates = /"\$[po]"/;

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
