import {
  deadLetterDeltaSchema,
  deltaSchemaString,
  duplicateDeltaSchema,
  silverPartitionColumns,
} from '@clicklake/contract';
import {
  createTable,
  isDeltaError,
  openTable,
  parseSchema,
  recordCount,
  scanSql,
  type DeltaTable,
  type OpenStore,
  type Snapshot,
  type TableDefinition,
} from '@clicklake/delta-lake';
import type { CrashPoints } from '@clicklake/durable-files';
import type { DuckDBInstance } from '@duckdb/node-api';
import type { LakePaths } from '../lake-paths.ts';
import type { TableName } from '../lake-service.ts';
import { defaultTableRetentions, retentionProperties } from '../maintenance/table-retention.ts';

/** The lake's tables by name; a field more per Gold table, later. */
export type LakeTables = Readonly<Record<TableName, DeltaTable>>;

export interface LakeTablesOptions {
  readonly paths: LakePaths;
  readonly openStore: OpenStore;
  readonly duckdb: DuckDBInstance;
  readonly crashPoints: CrashPoints;
  readonly clock: () => number;
}

/** A new table's (S4.5); the maintenance job sets what the settings say. */
const properties = retentionProperties(defaultTableRetentions.silver);

/**
 * What queries prune by. Statistics of all 33 columns would make up nine tenths of the log and of each
 * checkpoint, and random ids and free texts never leave a file out. Of `replay_of`, which is null in nearly all
 * files, they tell where no replay is (S8).
 */
const silverStatistics = [
  'timestamp',
  'received_at',
  'event_type',
  'user_id',
  'replay_of',
  'log_partition',
  'log_offset',
];
const statisticsProperty = 'delta.dataSkippingStatsColumns';

export const silverProperties = { ...properties, [statisticsProperty]: silverStatistics.join(',') };

const definitions: Readonly<Record<TableName, TableDefinition>> = {
  silver: {
    name: 'silver',
    description: 'Valid events, each once.',
    schema: parseSchema(deltaSchemaString),
    partitionColumns: silverPartitionColumns,
    configuration: silverProperties,
  },
  dead_letters: {
    name: 'dead_letters',
    description: 'Records that are no valid event, with the reason and their bytes.',
    schema: parseSchema(JSON.stringify(deadLetterDeltaSchema)),
    partitionColumns: ['event_date'],
    configuration: properties,
  },
  duplicates: {
    name: 'duplicates',
    description: 'Records of events that Silver holds already.',
    schema: parseSchema(JSON.stringify(duplicateDeltaSchema)),
    partitionColumns: ['event_date'],
    configuration: properties,
  },
};

/** Opens the tables, creating those that do not exist yet. Only the lake's owner creates. */
export function openOrCreateTables(options: LakeTablesOptions): Promise<LakeTables> {
  return openAll(async (name) => {
    await using opened = new AsyncDisposableStack();
    const table = opened.adopt(await openOrCreate(name, options), (own) => own.close());
    if (name === 'silver') await completeStatistics(table);
    opened.move();
    return table;
  });
}

/** Opens the tables; undefined while there is no lake yet. */
export async function openExistingTables(options: LakeTablesOptions): Promise<LakeTables | undefined> {
  try {
    return await openAll((name) => open(name, options));
  } catch (error) {
    if (isDeltaError(error, 'delta-table-not-found')) return undefined;
    throw error;
  }
}

/** All or none, one after another: when one fails, nothing is still at work for the others. */
async function openAll(openOne: (name: TableName) => Promise<DeltaTable>): Promise<LakeTables> {
  await using opened = new AsyncDisposableStack();
  const next = async (name: TableName): Promise<DeltaTable> =>
    opened.adopt(await openOne(name), (table) => table.close());
  const tables = {
    silver: await next('silver'),
    dead_letters: await next('dead_letters'),
    duplicates: await next('duplicates'),
  };
  opened.move();
  return tables;
}

async function openOrCreate(name: TableName, options: LakeTablesOptions): Promise<DeltaTable> {
  try {
    return await open(name, options);
  } catch (error) {
    if (!isDeltaError(error, 'delta-table-not-found')) throw error;
    const { paths, openStore, duckdb, crashPoints, clock } = options;
    const store = openStore(paths.tables[name]);
    const table = await createTable(store, definitions[name], { duckdb, crashPoints, clock });
    crashPoints.reach('lake-table-created');
    return table;
  }
}

/**
 * A lake of an earlier version has no statistics of columns that we prune by now: what is written to it from here on
 * has them. Columns that somebody added stay.
 */
async function completeStatistics(silver: DeltaTable): Promise<void> {
  const { configuration } = (await silver.snapshot()).metadata;
  const given = (configuration[statisticsProperty] ?? '').split(',').map((column) => column.trim());
  const missing = silverStatistics.filter((column) => !given.includes(column));
  if (missing.length === 0) return;
  const columns = [...given.filter((column) => column !== ''), ...missing];
  await silver.setProperties({ [statisticsProperty]: columns.join(',') });
}

function open(
  name: TableName,
  { paths, openStore, duckdb, crashPoints, clock }: LakeTablesOptions,
): Promise<DeltaTable> {
  return openTable(openStore(paths.tables[name]), { duckdb, crashPoints, clock });
}

/** A SELECT over a table's committed rows. */
export function tableSql(table: DeltaTable, snapshot: Snapshot): string {
  return scanSql(table.store, snapshot);
}

/** Rows of a snapshot by its files' statistics, which every writer of ours provides. */
export function rowsOf(snapshot: Snapshot): number {
  let rows = 0;
  for (const file of snapshot.files.values()) rows += recordCount(file.stats) ?? 0;
  return rows;
}
