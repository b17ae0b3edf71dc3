import { pruneFiles, type AddFile, type Snapshot } from '@clicklake/delta-lake';
import type { LogReader } from '@clicklake/event-log';
import type { JsonValue } from '@clicklake/query';
import { coveredPositions, coveredOffsets } from '../ingest/transaction-ids.ts';
import type { Connections } from '../lake/connections.ts';
import type { GoldTables } from '../lake/gold-tables.ts';
import { rowsOf, type LakeTables } from '../lake/lake-tables.ts';
import type { ModelProject } from '../models/index.ts';
import {
  findDeadLetters,
  findDuplicates,
  findInSilver,
  findReplaysInSilver,
  type KnownEntries,
  type SilverRow,
} from './committed-records.ts';
import type { EventTrace, LogHolding, RecordPlace, TracedRecord } from './event-trace.ts';
import { goldPlaces } from './gold-places.ts';
import type { IdFilters } from './id-filters.ts';
import { findInTail, type LiveIngest } from './live-ingest.ts';
import {
  findInFlight,
  mostInFlightBytes,
  readLogRecord,
  sourceOfValue,
  type InFlightRecord,
} from './log-record.ts';
import { parsePlace, placeKey, placeOfReplayId } from './record-place.ts';
import { silverPlace } from './silver-place.ts';
import { filesSql, type TableRow } from './table-rows.ts';
import { together } from './together.ts';

export interface TraceDependencies {
  readonly connections: Connections;
  readonly tables: LakeTables;
  readonly gold: GoldTables;
  readonly log: LogReader;
  readonly project: () => Promise<ModelProject>;
  readonly filters: IdFilters;
  /** Told which files of Silver had to be read for their ids. */
  readonly onRead: (snapshot: Snapshot, files: readonly AddFile[]) => void;
  /** The owner's; null for a process that only reads: it knows no tail, and has no dedupe index to ask. */
  readonly ingest: LiveIngest | null;
  /** Bytes of the log that are read at most. */
  readonly mostInFlightBytes: number;
}

/**
 * Follows one event_id through log, tables and Gold. A record moves from the log into the tail and from there into a
 * table, so they are looked through in this order: one that moves meanwhile may be met twice, and is never missed. Where
 * ingest is far behind only the newest of the log is read, and the answer says how much was passed over.
 *
 * @param eventId any text; it is only ever bound as a value.
 */
export async function traceEvent(dependencies: TraceDependencies, eventId: string): Promise<EventTrace> {
  const { connections, tables, log, ingest } = dependencies;
  const ownPlace = placeOfReplayId(eventId);
  const places = ownPlace === null ? [] : [ownPlace];
  const generations = ingest?.uncommitted() ?? [];
  const last = generations.at(-1);
  const inFlight = await findInFlight(
    log,
    last === undefined
      ? await committedPositions(tables)
      : { events: last.eventsEnd, errors: last.errorsEnd },
    eventId,
    dependencies.mostInFlightBytes,
  );
  const known = await knownEntries(dependencies, eventId);
  const tail =
    ingest === null ? undefined : await findInTail(connections, ingest, generations, eventId, places);

  const [silver, duplicates, deadLetters] = [
    await tables.silver.snapshot(),
    await tables.duplicates.snapshot(),
    await tables.dead_letters.snapshot(),
  ];
  const records = new Map<string, TracedRecord>();
  const add = (record: TracedRecord): void => {
    if (!records.has(placeKey(record))) records.set(placeKey(record), record);
  };
  const inSilver = async (): Promise<readonly TracedRecord[]> => {
    const { rows, read } = await findInSilver(
      connections,
      tables.silver,
      silver,
      eventId,
      known,
      dependencies.filters,
    );
    dependencies.onRead(silver, read);
    return committedRecords(dependencies, silver, rows);
  };
  const deadLettersSql = filesSql(tables.dead_letters, deadLetters, [...deadLetters.files.values()]);
  const duplicatesSql = filesSql(tables.duplicates, duplicates, [...duplicates.files.values()]);
  const inDuplicates = async (): Promise<readonly TracedRecord[]> =>
    (await findDuplicates(connections, duplicatesSql, eventId)).map((row) => duplicateRecord(row, true));
  const inDeadLetters = async (): Promise<readonly TracedRecord[]> =>
    (await findDeadLetters(connections, deadLettersSql, eventId, places)).map((row) => deadRecord(row, true));
  const committed = await together([inSilver(), inDuplicates(), inDeadLetters()]);
  committed.flat().forEach(add);
  for (const row of tail?.silver ?? []) add(validRecord(row, false));
  for (const row of tail?.duplicates ?? []) add(duplicateRecord(row, false));
  for (const row of tail?.deadLetters ?? []) add(deadRecord(row, false));
  for (const found of inFlight.found) add(inFlightRecord(found, eventId));

  // What a record replays may have had no id, or another one.
  const origins = [...records.values()].flatMap(({ replayOf }) =>
    replayOf === null || records.has(placeKey(replayOf)) ? [] : [replayOf],
  );
  for (const row of await findDeadLetters(connections, deadLettersSql, null, origins))
    add(deadRecord(row, true));
  // … and whoever mended a dead letter may have given the replay another.
  const dead = [...records.values()].filter(({ verdict }) => verdict === 'dead_letter').map(placeKey);
  const replayed = pruneFiles(deadLetters, [{ column: 'replay_of', op: 'is not null' }]);
  const replayedSql = filesSql(tables.dead_letters, deadLetters, replayed);
  const replays = async (): Promise<readonly TracedRecord[]> =>
    committedRecords(
      dependencies,
      silver,
      await findReplaysInSilver(connections, tables.silver, silver, dead),
    );
  const failedReplays = async (): Promise<readonly TracedRecord[]> =>
    (await findDeadLetters(connections, replayedSql, null, [], dead)).map((row) => deadRecord(row, true));
  (await together([replays(), failedReplays()])).flat().forEach(add);

  return {
    eventId,
    looked: {
      silverVersion: silver.version,
      silverRows: rowsOf(silver),
      duplicateRows: rowsOf(duplicates),
      deadLetterRows: rowsOf(deadLetters),
      tailRows:
        ingest === null
          ? null
          : generations.reduce((sum, generation) => sum + rowsOfGeneration(generation), 0),
      logRecords: inFlight.read,
      logRecordsPassedOver: inFlight.passedOver,
    },
    records: await told(log, [...records.values()]),
  };
}

/** The same while there is a log and no lake yet. */
export async function traceLog(log: LogReader, eventId: string): Promise<EventTrace> {
  const everything = { events: [], errors: 0n };
  const { found, read, passedOver } = await findInFlight(log, everything, eventId, mostInFlightBytes);
  return {
    eventId,
    looked: {
      silverVersion: null,
      silverRows: 0,
      duplicateRows: 0,
      deadLetterRows: 0,
      tailRows: null,
      logRecords: read,
      logRecordsPassedOver: passedOver,
    },
    records: await told(
      log,
      found.map((record) => inFlightRecord(record, eventId)),
    ),
  };
}

function rowsOfGeneration(generation: {
  readonly silverRows: number;
  readonly duplicateRows: number;
  readonly deadLetterRows: number;
}): number {
  return generation.silverRows + generation.duplicateRows + generation.deadLetterRows;
}

async function committedPositions(tables: LakeTables): Promise<ReturnType<typeof coveredPositions>> {
  const { transactions } = await tables.silver.snapshot();
  const dead = await tables.dead_letters.snapshot();
  return {
    events: coveredOffsets(transactions, 'clickstream-events'),
    errors: coveredPositions(dead.transactions).errors,
  };
}

/**
 * The index forgets entries whose run was received more than the window before the oldest record still to come, and
 * none can be newer than the log's newest (S3.1).
 */
async function knownEntries(
  { connections, ingest, log }: TraceDependencies,
  eventId: string,
): Promise<KnownEntries | undefined> {
  if (ingest === null) return undefined;
  const entries = await connections.use((connection) => ingest.findEvent(connection, eventId));
  if (entries === undefined) return undefined;
  const states = await log.describe();
  const newest = Math.max(...states.map(({ lastTimestamp }) => lastTimestamp));
  // A log without a record says nothing of what the index has forgotten.
  return newest === 0 ? undefined : { entries, completeSince: newest - ingest.dedupeWindowMs };
}

/** By arrival, each with what the log holds of it, and dead letters with what replays them. */
async function told(log: LogReader, records: readonly TracedRecord[]): Promise<readonly TracedRecord[]> {
  const sorted = [...records].sort(
    (a, b) =>
      (a.receivedAt ?? '').localeCompare(b.receivedAt ?? '') ||
      a.partition - b.partition ||
      a.offset - b.offset,
  );
  const complete: TracedRecord[] = [];
  for (const record of sorted) {
    const replays = sorted
      .filter(({ replayOf }) => replayOf !== null && placeKey(replayOf) === placeKey(record))
      .map(({ topic, partition, offset }): RecordPlace => ({ topic, partition, offset }));
    const holding = record.verdict === 'in_flight' ? record.log : await readLogRecord(log, record);
    const sourceId = record.sourceId ?? sourceIn(record, holding);
    complete.push({ ...record, sourceId, log: holding, replays });
  }
  return complete;
}

/** The table of duplicates does not say the source; the record does. */
function sourceIn({ verdict }: TracedRecord, holding: LogHolding): string | null {
  if (verdict !== 'duplicate' || holding.state !== 'held') return null;
  return sourceOfValue(holding.value);
}

function committedRecords(
  dependencies: TraceDependencies,
  snapshot: Snapshot,
  rows: readonly SilverRow[],
): Promise<readonly TracedRecord[]> {
  return together(rows.map((row) => committedRecord(dependencies, snapshot, row)));
}

async function committedRecord(
  { connections, tables, gold, project }: TraceDependencies,
  snapshot: Snapshot,
  { row, file }: SilverRow,
): Promise<TracedRecord> {
  const record = validRecord(row, true);
  const { topic, partition, offset } = record;
  const place = { topic, partition, offset };
  const eventDate = textOf(row, 'event_date') ?? '';
  const processedAt = Date.parse(textOf(row, 'processing_timestamp') ?? '');
  const silver = await silverPlace(tables.silver, snapshot, { ...place, eventDate, processedAt }, file);
  const goldRows = await goldPlaces({
    connections,
    project: await project(),
    gold: await gold.all(),
    silver: row,
    schema: snapshot.schema,
    place,
  });
  return { ...record, silver, gold: goldRows };
}

const nothing = {
  log: { state: 'unreadable', message: '' },
  event: null,
  duplicateOf: null,
  refusal: null,
  replayOf: null,
  replays: [],
  silver: null,
  gold: [],
} as const;

function validRecord(row: TableRow, committed: boolean): TracedRecord {
  return {
    ...nothing,
    ...placeIn(row, 'log_topic', 'log_partition', 'log_offset'),
    eventId: textOf(row, 'event_id'),
    receivedAt: textOf(row, 'received_at'),
    sourceId: textOf(row, 'source_id'),
    verdict: 'valid',
    committed,
    event: row.json,
    replayOf: parsePlace(row.json.replay_of),
  };
}

function duplicateRecord(row: TableRow, committed: boolean): TracedRecord {
  return {
    ...nothing,
    ...placeIn(row, 'log_topic', 'log_partition', 'log_offset'),
    eventId: textOf(row, 'event_id'),
    receivedAt: textOf(row, 'received_at'),
    sourceId: null,
    verdict: 'duplicate',
    committed,
    duplicateOf: placeIn(row, 'first_topic', 'first_partition', 'first_offset'),
  };
}

function deadRecord(row: TableRow, committed: boolean): TracedRecord {
  return {
    ...nothing,
    ...placeIn(row, 'topic', 'partition', 'offset'),
    eventId: textOf(row, 'event_id'),
    receivedAt: textOf(row, 'received_at'),
    sourceId: textOf(row, 'source_id'),
    verdict: 'dead_letter',
    committed,
    refusal: {
      reason: textOf(row, 'reason') ?? '',
      field: textOf(row, 'field'),
      message: textOf(row, 'message'),
    },
    replayOf: parsePlace(row.json.replay_of),
  };
}

function inFlightRecord(
  { topic, partition, offset, receivedAt, sourceId, log }: InFlightRecord,
  eventId: string,
): TracedRecord {
  return {
    ...nothing,
    topic,
    partition,
    offset,
    eventId,
    receivedAt: new Date(receivedAt).toISOString(),
    sourceId,
    verdict: 'in_flight',
    committed: false,
    log,
  };
}

function placeIn(row: TableRow, topic: string, partition: string, offset: string): RecordPlace {
  return {
    topic: textOf(row, topic) ?? '',
    partition: Number(row.json[partition]),
    offset: Number(row.json[offset]),
  };
}

function textOf({ json }: TableRow, column: string): string | null {
  const value: JsonValue | undefined = json[column];
  return typeof value === 'string' ? value : null;
}
