import { relative } from 'node:path';
import { duckdbTypeOf, type DeltaTable, type Snapshot } from '@clicklake/delta-lake';
import type { LogReader } from '@clicklake/event-log';
import type { Pin, QueryTable, QueryTail } from '@clicklake/query';
import type { DuckDBConnection } from '@duckdb/node-api';
import { coveredOffsets, coveredPositions } from '../ingest/transaction-ids.ts';
import type { LakePaths } from '../lake-paths.ts';
import type { LakeReader, TableCommit, TableSummary } from '../lake-service.ts';
import type { EventTrace } from '../trace/event-trace.ts';
import { checkEveryOffset } from '../ledger/deep-ledger.ts';
import { computeLedger } from '../ledger/ledger.ts';
import type { Removals } from '../ledger/removals.ts';
import { testFailures } from '../data-tests/test-failures.ts';
import { deadLetterAt, deadLetterGroups, deadLetterRows } from './dead-letter-rows.ts';
import { selectDeadLetters } from './dead-letter-selection.ts';
import { failingTestRows } from './failing-test-rows.ts';
import type { GoldTables } from './gold-tables.ts';
import { rowsOf, tableSql, type LakeTables } from './lake-tables.ts';
import { topicStates } from './topic-states.ts';

export interface LakeReadingOptions {
  readonly paths: LakePaths;
  readonly tables: LakeTables;
  readonly log: LogReader;
  readonly connection: DuckDBConnection;
  /** Opens another one, which whoever asks for it closes. */
  readonly connect: () => Promise<DuckDBConnection>;
  readonly gold: GoldTables;
  readonly removals: Removals;
  readonly trace: (eventId: string) => Promise<EventTrace>;
  /** The owner's tail, sliced for the offsets that a pinned version covers; absent elsewhere (S6.1). */
  readonly tail?: { slice(covered: readonly bigint[]): QueryTail; epoch(): number };
}

/** What can be asked of a lake, and `idle`, which resolves once nothing that was asked is still being looked for. */
export interface LakeReading extends Omit<LakeReader, 'close'> {
  idle(): Promise<void>;
}

/** What can be asked of a lake without changing it, over the committed tables and the log. */
export function lakeReading(options: LakeReadingOptions): LakeReading {
  const underWay = new Set<Promise<unknown>>();
  /** A question outlives whoever asked it: a connection must not be closed under it. */
  const noted = <Result>(work: Promise<Result>): Promise<Result> => {
    underWay.add(work);
    const done = (): void => void underWay.delete(work);
    work.then(done, done);
    return work;
  };
  const answers = answersOf(options);
  return {
    pin: () => noted(answers.pin()),
    ledger: (given) => noted(answers.ledger(given)),
    tables: () => noted(answers.tables()),
    history: (table, limit) => noted(answers.history(table, limit)),
    topics: () => noted(answers.topics()),
    deadLetters: (filter) => noted(answers.deadLetters(filter)),
    deadLetterGroups: (filter) => noted(answers.deadLetterGroups(filter)),
    selectDeadLetters: (select) => noted(answers.selectDeadLetters(select)),
    deadLetter: (topic, partition, offset) => noted(answers.deadLetter(topic, partition, offset)),
    failingTests: () => noted(answers.failingTests()),
    trace: (eventId) => noted(options.trace(eventId)),
    uncommitted: () => noted(answers.uncommitted()),
    async idle() {
      while (underWay.size > 0) await Promise.allSettled(underWay);
    },
  };
}

function answersOf(options: LakeReadingOptions): Omit<LakeReader, 'close' | 'trace'> {
  const { tables, log, connection, connect, paths, tail, gold, removals } = options;
  const named = async (): Promise<ReadonlyMap<string, DeltaTable>> =>
    new Map<string, DeltaTable>([...Object.entries(tables), ...(await gold.all())]);
  const sqlOf = sqlBySnapshot();
  const uncommitted = async (): Promise<number> => (await computeLedger(connection, log, tables)).in_flight;
  return {
    pin: () => pinTables(tables, gold, tail, sqlOf),
    async ledger({ deep }) {
      const ledger = await computeLedger(connection, log, tables);
      if (!deep) return ledger;
      const details = await checkEveryOffset(connection, log, tables, removals);
      const sound = details.missingOffsets === 0 && details.repeated.length === 0;
      return { ...ledger, balanced: ledger.balanced && sound, deep: details };
    },
    tables: async () =>
      Promise.all([...(await named())].map(async ([name, table]) => summarize(name, table, paths))),
    async history(table, limit) {
      return (await (await named()).get(table)?.history(limit))?.map((entry): TableCommit => ({
        version: entry.version,
        timestamp: new Date(entry.timestamp ?? 0).toISOString(),
        operation: entry.operation,
        parameters: entry.operationParameters,
        metrics: {
          ...entry.operationMetrics,
          addedFiles: entry.addedFiles,
          removedFiles: entry.removedFiles,
        },
      }));
    },
    async topics() {
      const [silver, deadLetters] = await Promise.all([
        tables.silver.snapshot(),
        tables.dead_letters.snapshot(),
      ]);
      return topicStates(log, {
        events: coveredOffsets(silver.transactions, 'clickstream-events'),
        errors: coveredPositions(deadLetters.transactions).errors,
      });
    },
    deadLetters: (filter) => deadLetterRows(connection, tables, filter),
    deadLetterGroups: (filter) => deadLetterGroups(connection, tables, filter),
    async selectDeadLetters(select) {
      return await selectDeadLetters(await connect(), tables, select);
    },
    deadLetter: (topic, partition, offset) => deadLetterAt(connection, tables, { topic, partition, offset }),
    async failingTests() {
      const table = (await gold.all()).get(testFailures.name);
      return table === undefined ? [] : failingTestRows(connection, table);
    },
    uncommitted,
  };
}

/** Pins the newest committed version, and the tail that it does not cover (S6.1). */
async function pinTables(
  tables: LakeTables,
  gold: GoldTables,
  tail: LakeReadingOptions['tail'],
  sqlOf: (table: DeltaTable, snapshot: Snapshot) => string,
): Promise<Pin> {
  const deadLetters = await tables.dead_letters.snapshot();
  const duplicates = await tables.duplicates.snapshot();
  const goldTables: QueryTable[] = [];
  for (const [name, table] of await gold.all())
    goldTables.push({ name, relationSql: sqlOf(table, await table.snapshot()) });
  const silver = await tables.silver.snapshot();
  // No await between Silver's snapshot and the slice: the tail loses a generation only after the commit that
  // holds it, so a row can be in both, which the cover sorts out, and never in neither.
  const slice = tail?.slice(coveredOffsets(silver.transactions, 'clickstream-events'));
  return {
    tables: [
      {
        name: 'silver',
        relationSql: sqlOf(tables.silver, silver),
        ...(slice === undefined ? {} : { tail: slice }),
      },
      { name: 'dead_letters', relationSql: sqlOf(tables.dead_letters, deadLetters) },
      { name: 'duplicates', relationSql: sqlOf(tables.duplicates, duplicates) },
      ...goldTables,
    ],
    label: { silverVersion: silver.version, tailEpoch: tail?.epoch() ?? 0 },
    release: () => undefined,
  };
}

/** The text names every file; between commits each query needs the same one. */
function sqlBySnapshot(): (table: DeltaTable, snapshot: Snapshot) => string {
  const texts = new WeakMap<Snapshot, string>();
  return (table, snapshot) => {
    const known = texts.get(snapshot);
    if (known !== undefined) return known;
    const text = tableSql(table, snapshot);
    texts.set(snapshot, text);
    return text;
  };
}

async function summarize(name: string, table: DeltaTable, paths: LakePaths): Promise<TableSummary> {
  const snapshot = await table.snapshot();
  let bytes = 0;
  for (const file of snapshot.files.values()) bytes += file.size;
  return {
    name,
    location: relative(paths.home, table.store.location('.')),
    version: snapshot.version,
    rows: rowsOf(snapshot),
    files: snapshot.files.size,
    bytes,
    partitionColumns: snapshot.metadata.partitionColumns,
    columns: snapshot.schema.fields.map((field) => ({ name: field.name, type: duckdbTypeOf(field.type) })),
  };
}
