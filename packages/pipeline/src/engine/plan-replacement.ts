import {
  quoteIdentifier,
  quoteLiteral,
  scanSql,
  type AddFile,
  type ObjectStore,
  type PartitionSelect,
  type Snapshot,
} from '@clicklake/delta-lake';
import type { DuckDBConnection } from '@duckdb/node-api';
import { ofOneDate } from './gather-pieces.ts';

/**
 * A file of this share of its date's rows is full. One of half of that grows no more: else all files of a date that
 * grows would have to grow with it.
 */
const fullShare = 1 / 64;
const fullRows = 4096;
/** One that loses more of its rows at once is of the last minutes, however large. */
const newShare = 0.1;
/** Bytes of a file where keys without a time reach into most full ones: they are written anew either way, and few are quickest. */
const spreadFileBytes = 16 * 2 ** 20;
/** Rows older than all but this share of the keys found are old. */
const oldShare = 0.05;
/** So many files that are not full are put together, also when no row of theirs is replaced. */
const smallFiles = 8;
const fileColumn = 'file of the row';

export interface ReplacementOptions {
  readonly snapshot: Snapshot;
  /** The table's files on the dates concerned. */
  readonly dateFiles: readonly AddFile[];
  readonly dateColumn: string;
  /** SQL text of a relation with the keys of the rows to replace, under names of the table's columns. */
  readonly keys: string;
  /**
   * SQL text of a relation to make, for as long as the SELECTs live: the keys that rows of the table have. Far fewer
   * than may have been asked for, so that it is they which DuckDB's joins hold in memory, and not the table's rows.
   */
  readonly found: string;
  readonly rowsOf: (file: AddFile) => number;
}

export interface Replacement {
  /** Files that hold rows to replace, and small ones that had become many. */
  readonly files: readonly AddFile[];
  /** Their rows that stay, date by date. */
  readonly kept: readonly PartitionSelect[];
}

/**
 * Which files of a table hold rows with given keys: the others can stay as they are. Most rows that change are of the
 * last minutes, and lie in the files of the last refreshes. Those grow together until they are full; a full one is
 * written anew when an event that comes late reaches a row of it, one of many.
 */
export async function planReplacement(
  connection: DuckDBConnection,
  store: ObjectStore,
  { snapshot, dateFiles, dateColumn, keys, found, rowsOf }: ReplacementOptions,
): Promise<Replacement> {
  const described = (await connection.runAndReadAll(`DESCRIBE ${keys}`)).getRows();
  const columns = described.map(([name]) => quoteIdentifier(String(name))).join(', ');
  const fileOfRow = quoteIdentifier(fileColumn);
  await connection.run(
    `CREATE OR REPLACE TABLE ${found} AS SELECT ${fileOfRow}, ${columns}
     FROM (${scanSql(store, snapshot, dateFiles, fileColumn)}) SEMI JOIN ${keys} USING (${columns})`,
  );
  const counted = await connection.runAndReadAll(`SELECT ${fileOfRow}, count(*) FROM ${found} GROUP BY ALL`);
  const replaced = new Map(counted.getRows().map(([place, rows]) => [String(place), Number(rows)]));
  const replacedOf = ({ path }: AddFile): number => replaced.get(store.location(path)) ?? 0;
  const concerned = new Set(dateFiles.filter((file) => replacedOf(file) > 0));
  // One that is not recognised would keep rows that are to be replaced.
  if (concerned.size !== replaced.size) throw new TypeError('Rows were found in files that were not asked.');

  const isOld = await oldRows(connection, found, described);
  const files: AddFile[] = [];
  const kept: PartitionSelect[] = [];
  for (const [date, ofDate] of byDate(dateFiles, dateColumn)) {
    const full = Math.max(fullRows, Math.ceil(sumOf(ofDate, rowsOf) * fullShare));
    const isNew = (file: AddFile): boolean =>
      rowsOf(file) < full / 2 || replacedOf(file) > newShare * rowsOf(file);
    const recent = ofDate.filter(isNew);
    const isMany = recent.length >= smallFiles;
    const growing = recent.filter((file) => isMany || concerned.has(file));
    const grown = ofDate.filter((file) => !isNew(file) && concerned.has(file));
    files.push(...growing, ...grown);
    const rows = (group: readonly AddFile[], which = 'true'): string =>
      `SELECT * FROM (${scanSql(store, snapshot, group)}) ANTI JOIN ${found} USING (${columns}) WHERE ${which}`;
    // DuckDB looks at a file's size after each row group: every one becomes a file.
    const cut = { rowGroupRows: full, targetFileBytes: 1 };
    // Apart, so that the newest rows do not come into files of older ones.
    if (growing.length > 0) kept.push({ ...ofOneDate(rows(growing), dateColumn, date), ...cut });
    if (grown.length === 0) continue;
    const reached = sumOf(grown, replacedOf);
    // So many that, of full files, every other one would be written anew.
    const isSpread = 2 * reached >= sumOf(isOld === null ? ofDate : grown, rowsOf) / full;
    const mostly = isSpread ? { targetFileBytes: spreadFileBytes } : cut;
    if (isOld === null) {
      kept.push({ ...ofOneDate(rows(grown), dateColumn, date), ...mostly });
      continue;
    }
    kept.push(
      { ...ofOneDate(rows(grown, `NOT ${isOld}`), dateColumn, date), ...mostly },
      { ...ofOneDate(rows(grown, isOld), dateColumn, date), ...cut },
    );
  }
  return { files, kept };
}

/**
 * The condition for rows that few keys are as old as, where a key has a time; null where none has. Apart from the
 * others such rows stay, most of the time, whatever order they were written in before.
 */
async function oldRows(
  connection: DuckDBConnection,
  found: string,
  described: readonly (readonly unknown[])[],
): Promise<string | null> {
  const moment = described.find(([, type]) => String(type).startsWith('TIMESTAMP'))?.[0];
  if (typeof moment !== 'string') return null;
  const column = quoteIdentifier(moment);
  const oldest = await connection.runAndReadAll(
    `SELECT CAST(quantile_disc(${column}, ${oldShare}) AS VARCHAR) FROM ${found}`,
  );
  const [text] = oldest.getRows()[0] ?? [];
  return typeof text === 'string' ? `coalesce(${column} < ${quoteLiteral(text)}::TIMESTAMPTZ, true)` : null;
}

function byDate(files: readonly AddFile[], dateColumn: string): ReadonlyMap<string, readonly AddFile[]> {
  const groups = new Map<string, AddFile[]>();
  for (const file of files) {
    const date = file.partitionValues[dateColumn] ?? '';
    groups.set(date, [...(groups.get(date) ?? []), file]);
  }
  return groups;
}

function sumOf(files: readonly AddFile[], rowsOf: (file: AddFile) => number): number {
  return files.reduce((sum, file) => sum + rowsOf(file), 0);
}
