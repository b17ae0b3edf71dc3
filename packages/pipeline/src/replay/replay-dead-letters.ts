import type { Replay, ReplayOutcome } from '@clicklake/contract';
import { placeText } from '../lake/dead-letter-rows.ts';
import type {
  DeadLetterPlace,
  DeadLetterRow,
  DeadLetterSelect,
  DeadLetterSelection,
  LakeReader,
  SelectedDeadLetter,
} from '../lake-service.ts';
import { parseChanges } from './change.ts';
import { mendByChanges, type Mended } from './mend.ts';
import {
  maxReplayed,
  type ReplayAppender,
  type ReplayedLetter,
  type ReplayProgress,
  type ReplayRequest,
  type ReplayResult,
  type ReplayStatus,
  type ReplayVerdict,
} from './replay-request.ts';

export interface ReplayDependencies {
  readonly lake: Pick<LakeReader, 'selectDeadLetters'>;
  readonly appender: Pick<ReplayAppender, 'judge' | 'append'>;
}

export interface ReplayObserver {
  readonly onProgress: (progress: ReplayProgress) => void;
  /** Told of every dead letter; the promise, when there is one, is waited for. */
  readonly onLetter: (letter: ReplayedLetter) => void | Promise<void>;
  /** Stops between two appends. */
  readonly signal?: AbortSignal;
}

/** Four times what the contract takes: beyond it a replay would only copy a dead letter that nobody can mend so. */
const maxEventBytes = 1_048_576;

/** One append, at most. */
const batchLetters = 250;
const batchBytes = 16 * 1024 * 1024;

/**
 * Replays dead letters (S8): looks them up, mends each, and appends what comes of it as new records that name their
 * origins. Doing it again is safe at any time, and after any crash: what Silver holds already is passed over here,
 * and what is still on its way is recognised by ingest.
 *
 * @throws PipelineError `replay-change-invalid`; whatever the appender throws
 */
export async function replayDeadLetters(
  { lake, appender }: ReplayDependencies,
  request: ReplayRequest,
  { onProgress, onLetter, signal }: ReplayObserver,
): Promise<ReplayResult> {
  const changes = parseChanges(request.changes);
  const replaced = new Map(
    'events' in request.select
      ? request.select.events.map(({ place, event }) => [placeText(place), event] as const)
      : [],
  );
  await using selection = await lake.selectDeadLetters(selectOf(request));
  const counts: Record<ReplayStatus, number> = {
    accepted: 0,
    rejected: 0,
    'rejected-before': 0,
    'replayed-before': 0,
    unmendable: 0,
    'not-found': 0,
  };
  const mend = (row: DeadLetterRow): Mended => {
    const event = replaced.get(placeText(row));
    return event === undefined ? mendByChanges(row, changes) : { event };
  };
  let done = 0;
  for await (const batch of selection.batches(batchLetters, batchBytes)) {
    signal?.throwIfAborted();
    const planned = await planBatch(selection, appender, batch, mend);
    const wanted = planned.filter((letter) => isAppended(letter, request));
    const appended: readonly ReplayOutcome[] =
      request.dryRun || wanted.length === 0
        ? []
        : await appender.append(wanted.flatMap(({ replay }) => replay ?? []));
    const outcomes = new Map(wanted.map((letter, index) => [letter, appended[index]]));
    for (const letter of planned) {
      const told = describe(letter, outcomes.get(letter), request.dryRun);
      counts[told.status] += 1;
      await onLetter(told);
    }
    done += batch.length;
    onProgress({ done, total: selection.places.length });
  }
  return { ...counts, dry_run: request.dryRun };
}

function selectOf({ select }: ReplayRequest): DeadLetterSelect {
  if ('filter' in select) return { filter: select.filter, limit: Math.min(select.limit, maxReplayed) };
  const given = 'places' in select ? select.places : select.events.map(({ place }) => place);
  return { places: [...new Map(given.map((place) => [placeText(place), place])).values()] };
}

/** What is known of a dead letter before anything is appended. */
interface PlannedLetter {
  readonly place: string;
  readonly status: ReplayStatus;
  readonly before: string | null;
  readonly replay: Replay | null;
  readonly verdict: ReplayVerdict | null;
  readonly message: string | null;
}

async function planBatch(
  selection: Pick<DeadLetterSelection, 'failedReplays'>,
  appender: Pick<ReplayAppender, 'judge'>,
  letters: readonly SelectedDeadLetter[],
  mend: (row: DeadLetterRow) => Mended,
): Promise<readonly PlannedLetter[]> {
  const planned = letters.map(({ place, row, root }): PlannedLetter => {
    const plan = { place: placeText(place), before: row?.raw ?? null, replay: null, verdict: null };
    if (row === null) return { ...plan, status: 'not-found', message: 'There is no dead letter here.' };
    if (row.replayed !== null) {
      const { partition, offset } = row.replayed;
      const message = `clickstream-events/${partition}/${offset} replays it.`;
      return { ...plan, status: 'replayed-before', message };
    }
    const mended = mend(row);
    if ('event' in mended && Buffer.byteLength(mended.event) > maxEventBytes)
      return { ...plan, status: 'unmendable', message: 'It is larger than any event: replace it by a file.' };
    if ('unmendable' in mended) return { ...plan, status: 'unmendable', message: mended.unmendable };
    const replay = replayOf(row, root ?? row, mended.event);
    const verdict = appender.judge(replay);
    return { ...plan, status: verdict.ok ? 'accepted' : 'rejected', replay, verdict, message: null };
  });
  return withoutRepeatedFailures(selection, planned);
}

/** The same attempt twice would be a second dead letter that says nothing new. */
async function withoutRepeatedFailures(
  selection: Pick<DeadLetterSelection, 'failedReplays'>,
  planned: readonly PlannedLetter[],
): Promise<readonly PlannedLetter[]> {
  const failing = planned.flatMap(({ status, replay }) =>
    status === 'rejected' && replay !== null ? [replay.origin.of] : [],
  );
  if (failing.length === 0) return planned;
  const attempts = new Set((await selection.failedReplays(failing)).map(({ of, raw }) => `${of} ${raw}`));
  return planned.map((letter): PlannedLetter => {
    const { status, replay } = letter;
    if (status !== 'rejected' || replay === null) return letter;
    return attempts.has(`${replay.origin.of} ${replay.event}`)
      ? { ...letter, status: 'rejected-before' }
      : letter;
  });
}

function originText({ topic, partition, offset }: DeadLetterPlace): string {
  return `${topic}:${partition}:${offset}`;
}

/** @param root the dead letter that a failed replay goes back to: its times count (S2.3). */
function replayOf(row: DeadLetterRow, root: NonNullable<SelectedDeadLetter['root']>, event: string): Replay {
  const of = row.replay_of ?? originText(row);
  const isRecord = row.topic === 'clickstream-events' || root.topic === 'clickstream-events';
  return {
    origin: {
      of,
      eventId: root.event_id ?? row.event_id,
      receivedAt: Date.parse(root.received_at),
      form: isRecord ? 'record' : 'event',
      settled: row.topic === 'clickstream-events' && row.replay_of !== null,
    },
    sourceId: root.source_id ?? row.source_id,
    event,
  };
}

function isAppended({ status }: PlannedLetter, { onlyValid }: ReplayRequest): boolean {
  return status === 'accepted' || (status === 'rejected' && !onlyValid);
}

function describe(
  { place, status, before, replay, verdict, message }: PlannedLetter,
  appended: ReplayOutcome | undefined,
  dryRun: boolean,
): ReplayedLetter {
  const rejection = appended?.status === 'rejected' ? appended : verdict?.ok === false ? verdict : null;
  const topic = appended?.status === 'accepted' ? 'clickstream-events' : 'clickstream-errors';
  return {
    place,
    // The process that appends has the last word, should its contract differ from ours.
    status: appended?.status ?? status,
    event_id: appended?.event_id ?? verdict?.eventId ?? null,
    reason: rejection?.reason ?? null,
    field: rejection?.field ?? null,
    message: rejection?.message ?? message,
    record: appended === undefined ? null : `${topic}/${appended.partition}/${appended.offset}`,
    before: dryRun ? before : null,
    after: dryRun ? (replay?.event ?? null) : null,
  };
}
