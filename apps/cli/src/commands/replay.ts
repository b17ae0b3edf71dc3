import { open } from 'node:fs/promises';
import { escapeControls } from '@clicklake/query';
import {
  parseChanges,
  type DeadLetterFilter,
  type DeadLetterPlace,
  type ReplacedEvent,
  type ReplayedLetter,
  type ReplayRequest,
  type ReplayResult,
} from '@clicklake/pipeline';
import { CliError, usageError } from '../cli-error.ts';
import type { CommandContext } from '../context.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { readLake, type LakeAccess } from '../lake/with-lake.ts';
import { parsePlace } from '../replay/place.ts';
import { exportedLine, readReplayFile } from '../replay/replay-file.ts';
import { formatCount } from '../terminal/columns.ts';
import { createProgress, type Progress } from '../terminal/progress.ts';

export interface ReplayOptions {
  /** As they were written. */
  readonly places: readonly string[];
  readonly filter: DeadLetterFilter;
  readonly all: boolean;
  readonly file: string | null;
  readonly changes: readonly string[];
  readonly asIs: boolean;
  readonly onlyValid: boolean;
  readonly dryRun: boolean;
  readonly limit: number;
}

/** Mends dead letters and appends them again: through the owner, or with the log for the time of the command. */
export async function replay(context: CommandContext, options: ReplayOptions): Promise<ExitCode> {
  const { terminal, effects, json } = context;
  checkOptions(options);
  const stop = new AbortController();
  const stopListening = effects.signals.onStop(() => stop.abort());
  const progress = createProgress(terminal, effects.stderr, 'Replaying', 0);
  const shown = createLetterList(context, options.dryRun);
  try {
    const result = await readLake(context, (access) =>
      runRequests(access, options, { progress, onLetter: shown.add, signal: stop.signal }),
    );
    progress.stop();
    if (json) terminal.json({ ...result, ...shown.json() });
    else {
      shown.end();
      terminal.talk(summaryOf(result));
    }
    const failed = result.rejected + result['rejected-before'] + result.unmendable + result['not-found'];
    return failed > 0 ? exitCodes.checkFailed : exitCodes.ok;
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    terminal.warn('Stopped before the end. Repeating the command replays the rest, and nothing twice.');
    return exitCodes.interrupted;
  } finally {
    progress.stop();
    stopListening();
  }
}

interface Run {
  readonly progress: Progress;
  readonly onLetter: (letter: ReplayedLetter) => void;
  readonly signal: AbortSignal;
}

async function runRequests(
  { admin }: LakeAccess,
  options: ReplayOptions,
  { progress, onLetter, signal }: Run,
): Promise<ReplayResult> {
  let sum: ReplayResult | undefined;
  let before = 0;
  for await (const request of requestsOf(options)) {
    const isWhole = 'filter' in request.select;
    let done = 0;
    const result = await admin.replayDeadLetters(request, {
      onLetter,
      onProgress(told) {
        done = told.done;
        progress.update(before + done, isWhole ? told.total : before + told.total);
      },
      signal,
    });
    before += done;
    sum = sum === undefined ? result : added(sum, result);
  }
  return sum ?? nothing(options.dryRun);
}

/** One request, or several for a file: each holds no more than the admin API takes. */
async function* requestsOf(options: ReplayOptions): AsyncGenerator<ReplayRequest> {
  const { places, filter, file, changes, dryRun, onlyValid, limit } = options;
  const rest = { changes, dryRun, onlyValid };
  if (file !== null) {
    for await (const events of inBatches(readReplayFile(file))) yield { ...rest, select: { events } };
  } else if (places.length > 0) yield { ...rest, select: { places: places.map(placeOf) } };
  else yield { ...rest, select: { filter, limit } };
}

const batchEvents = 500;
const batchBytes = 2 * 1024 * 1024;

async function* inBatches(events: AsyncIterable<ReplacedEvent>): AsyncGenerator<ReplacedEvent[]> {
  let batch: ReplacedEvent[] = [];
  let bytes = 0;
  for await (const event of events) {
    const size = Buffer.byteLength(event.event);
    if (batch.length > 0 && (batch.length >= batchEvents || bytes + size > batchBytes)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(event);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}

/** @throws CliError `cli-usage` */
function checkOptions(options: ReplayOptions): void {
  const { places, filter, all, file, changes, asIs } = options;
  const hasFilter = Object.keys(filter).length > 0;
  const ways = [places.length > 0, hasFilter || all, file !== null].filter(Boolean).length;
  if (ways === 0) {
    throw usageError(
      'It is not said which dead letters are to be replayed.',
      'Name places, or filters as --reason, or --file, or --all. `clicklake dead-letters groups` shows what there is.',
    );
  }
  if (ways > 1) {
    throw usageError('Places, filters and --file exclude each other.', 'Give one of the three.');
  }
  const mends = [changes.length > 0, asIs, file !== null].filter(Boolean).length;
  if (mends > 1) throw usageError('--as-is, --file and changes exclude each other.', 'Give one of them.');
  if (mends === 0) {
    throw usageError(
      'It is not said how they are to be mended.',
      'Give --set, --cast, --rename or --unset, or --file; or --as-is when only the rules have changed.',
    );
  }
  parseChanges(changes);
}

function placeOf(text: string): DeadLetterPlace {
  const place = parsePlace(text);
  if (place !== undefined) return place;
  throw usageError(
    `"${text}" is no place.`,
    'A place is topic/partition/offset, as `clicklake dead-letters list` shows it.',
  );
}

/** Letters of which all is told; the rest is only counted. */
const shownLetters = 1_000;

interface LetterList {
  readonly add: (letter: ReplayedLetter) => void;
  end(): void;
  json(): { readonly letters: readonly ReplayedLetter[]; readonly truncated: boolean };
}

function createLetterList({ terminal, json }: CommandContext, dryRun: boolean): LetterList {
  const letters: ReplayedLetter[] = [];
  let left = 0;
  return {
    add(letter) {
      // A dry run shows each; else those that went well only count.
      const isTold = json || dryRun || letter.status !== 'accepted';
      if (!isTold) return;
      if (letters.length >= (json ? shownLetters : 50)) left += 1;
      else {
        letters.push(letter);
        if (!json) for (const line of describe(letter)) terminal.data(line);
      }
    },
    end() {
      if (left > 0)
        terminal.talk(`… and ${formatCount(left)} more; --json shows up to ${formatCount(shownLetters)}.`);
    },
    json: () => ({ letters, truncated: left > 0 }),
  };
}

function describe({ place, status, reason, field, message, before, after }: ReplayedLetter): string[] {
  const why = [reason, field === null ? null : `(${field})`, message]
    .filter((part) => part !== null)
    .join(' ');
  const lines = [`${place}  ${status}${why === '' ? '' : `: ${why}`}`];
  if (before !== null) lines.push(`  - ${before}`);
  if (after !== null) lines.push(`  + ${after}`);
  return lines.map(escapeControls);
}

function summaryOf(result: ReplayResult): string {
  const { accepted, rejected, unmendable, dry_run: dryRun } = result;
  const parts = [
    `${formatCount(accepted)} ${dryRun ? 'would be replayed' : 'replayed'}`,
    `${formatCount(rejected)} rejected again`,
    ...(
      [
        [result['rejected-before'], 'rejected just so before'],
        [result['replayed-before'], 'replayed already'],
        [unmendable, 'not to be mended so'],
        [result['not-found'], 'not found'],
      ] as const
    ).flatMap(([count, what]) => (count === 0 ? [] : [`${formatCount(count)} ${what}`])),
  ];
  return `${parts.join(', ')}.${dryRun ? ' Nothing was appended.' : ''}`;
}

function added(a: ReplayResult, b: ReplayResult): ReplayResult {
  return {
    accepted: a.accepted + b.accepted,
    rejected: a.rejected + b.rejected,
    'rejected-before': a['rejected-before'] + b['rejected-before'],
    'replayed-before': a['replayed-before'] + b['replayed-before'],
    unmendable: a.unmendable + b.unmendable,
    'not-found': a['not-found'] + b['not-found'],
    dry_run: a.dry_run,
  };
}

function nothing(dryRun: boolean): ReplayResult {
  return {
    accepted: 0,
    rejected: 0,
    'rejected-before': 0,
    'replayed-before': 0,
    unmendable: 0,
    'not-found': 0,
    dry_run: dryRun,
  };
}

/** Writes dead letters to a file for editing, or to stdout. */
export async function exportDeadLetters(
  context: CommandContext,
  filter: DeadLetterFilter & { readonly limit: number },
  file: string | null,
): Promise<ExitCode> {
  const { terminal } = context;
  let count = 0;
  const target = file === null ? undefined : await createFile(file);
  try {
    await readLake(context, ({ admin }) =>
      admin.exportDeadLetters(filter, {
        async onRow(row) {
          count += 1;
          if (target === undefined) terminal.data(exportedLine(row));
          else await target.appendFile(`${exportedLine(row)}\n`);
        },
      }),
    );
  } finally {
    await target?.close();
  }
  if (file !== null) terminal.talk(`${formatCount(count)} dead letters in ${file}.`);
  return exitCodes.ok;
}

/** An edited file is not overwritten by accident. */
async function createFile(path: string): ReturnType<typeof open> {
  try {
    return await open(path, 'wx');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    throw new CliError({
      code: 'cli-file-exists',
      message: `${path} is there already.`,
      hint: 'Choose another name, or move it away: it may have been edited.',
      cause: error,
    });
  }
}
