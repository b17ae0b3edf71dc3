import type { GoldPlace, LogHolding, RecordPlace, SilverPlace, TracedRecord } from '@clicklake/pipeline';
import { escapeControls } from '@clicklake/query';
import { formatSize } from '../config/units.ts';
import { formatCount } from '../terminal/columns.ts';
import type { Style } from '../terminal/style.ts';

export interface StoryOptions {
  readonly style: Style;
  /** Columns of the terminal: the record's text is cut there. */
  readonly width: number;
  /** Kinds of write keys by their source. */
  readonly keyKinds: ReadonlyMap<string, string>;
}

/** One record's way, top to bottom, a step a line. */
export function tellRecord(record: TracedRecord, options: StoryOptions): string[] {
  const { bold } = options.style;
  const step = (name: string, text: string): string => `  ${name.padEnd(10)}${escapeControls(text)}`;
  const { eventId, receivedAt, event, silver, gold } = record;
  return [
    bold(escapeControls(`${eventId ?? 'a record without an id'}  ${verdictOf(record)}`)),
    step('received', `${receivedAt ?? 'unknown'}, ${sourceOf(record, options.keyKinds)}`),
    step('log', `${placeOf(record)}, ${holdingOf(record.log)}`),
    ...(event === null ? [] : [step('event', eventOf(event))]),
    ...reasonsOf(record).map(([name, text]) => step(name, text)),
    ...(silver === null
      ? []
      : silverLines(silver).map((text, index) => step(index === 0 ? 'silver' : '', text))),
    ...goldOf(gold).flatMap((place) =>
      goldLines(place, options).map((text, index) => step(index === 0 ? 'gold' : '', text)),
    ),
    ...(record.log.state === 'held' ? [step('record', shorten(record.log.value, options.width - 12))] : []),
  ];
}

function verdictOf({ verdict, committed }: TracedRecord): string {
  const where = committed ? '' : ', in the tail: committed within seconds';
  switch (verdict) {
    case 'in_flight':
      return 'in flight: in the log, not judged yet';
    case 'valid':
      return `valid${where}`;
    case 'duplicate':
      return `a duplicate${where}`;
    case 'dead_letter':
      return `a dead letter${where}`;
  }
}

function sourceOf({ sourceId, topic }: TracedRecord, kinds: ReadonlyMap<string, string>): string {
  if (sourceId === null)
    return topic === 'clickstream-errors' ? 'source unknown' : 'not said by which source';
  const kind = kinds.get(sourceId);
  return `by the source ${sourceId}${kind === undefined ? '' : ` (${kind} key)`}`;
}

function placeOf({ topic, partition, offset }: RecordPlace): string {
  return `${topic}/${partition}/${offset}`;
}

function holdingOf(log: LogHolding): string {
  switch (log.state) {
    case 'held':
      return `held there: ${formatCount(log.bytes)} bytes`;
    case 'deleted':
      return `deleted by retention, which has taken everything before ${log.startOffset}`;
    case 'unreadable':
      return `unreadable: ${log.message}`;
  }
}

function eventOf(event: NonNullable<TracedRecord['event']>): string {
  const { event_type, event_name, timestamp, user_id, anonymous_id, product_id } = event;
  return [
    textOf(event_type),
    ...(event_name == null ? [] : [textOf(event_name)]),
    `at ${textOf(timestamp)}`,
    `of ${textOf(user_id ?? anonymous_id)}`,
    ...(product_id == null ? [] : [textOf(product_id)]),
  ].join(', ');
}

function reasonsOf({ duplicateOf, refusal, replayOf, replays }: TracedRecord): [string, string][] {
  return [
    ...(duplicateOf === null
      ? []
      : [['repeats', `${placeOf(duplicateOf)}, which stays`] satisfies [string, string]]),
    ...(refusal === null
      ? []
      : [
          [
            'rejected',
            `${refusal.reason}${refusal.field === null ? '' : ` (${refusal.field})`}: ${refusal.message ?? ''}`,
          ] satisfies [string, string],
        ]),
    ...(replayOf === null ? [] : [['replays', placeOf(replayOf)] satisfies [string, string]]),
    ...replays.map((place): [string, string] => ['replayed', `as ${placeOf(place)}`]),
  ];
}

function silverLines({ commit, commitMissing, file, firstFile, movedBy }: SilverPlace): string[] {
  const rows = file.rows === null ? '' : `, ${formatCount(file.rows)} rows`;
  return [
    commit === null
      ? (commitMissing ?? '')
      : `version ${commit.version}, ${commit.timestamp}, ${commit.operation}`,
    `in ${file.path}, ${formatSize(file.bytes)}${rows}`,
    ...(movedBy === null
      ? []
      : [`moved there by version ${movedBy.version}, ${movedBy.timestamp}, ${movedBy.operation}`]),
    ...(firstFile === null ? [] : [`written first to ${firstFile}`]),
  ];
}

/** What keeps an event out of every table is said once. */
function goldOf(gold: readonly GoldPlace[]): readonly GoldPlace[] {
  const [first] = gold;
  const alike = gold.every(({ state, reason }) => state === 'left_out' && reason === first?.reason);
  return first !== undefined && alike ? [{ ...first, table: 'every table' }] : gold;
}

function goldLines(place: GoldPlace, { width }: StoryOptions): string[] {
  const { table, state, reason, key, row, version, committedAt, silverVersion } = place;
  const of = silverVersion === null ? '' : `, made of Silver ${silverVersion}`;
  const from = version === null ? '' : `version ${version}, ${committedAt ?? ''}${of}`;
  switch (state) {
    case 'counted':
      return [`${table}  ${from}`, `  ${shorten(pairs(row ?? {}), width - 14)}`];
    case 'left_out':
      return [`${table}  left out: ${reason ?? ''}`];
    case 'not_refreshed':
      return [
        `${table}  not refreshed yet: ${reason ?? `it has seen Silver only up to version ${silverVersion ?? '?'}`}`,
        ...(key === null ? [] : [`  will count in ${pairs(key)}`]),
      ];
    case 'missing':
      return [`${table}  MISSING: ${reason ?? ''}`, `  ${pairs(key ?? {})}`];
  }
}

function pairs(values: Readonly<Record<string, unknown>>): string {
  return Object.entries(values)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name}=${textOf(value)}`)
    .join(' ');
}

function shorten(text: string, length: number): string {
  const most = Math.max(40, length);
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? null);
}
