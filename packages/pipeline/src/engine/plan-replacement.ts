import {
  quoteIdentifier,
  scanSql,
  type AddFile,
  type DeltaTable,
  type Snapshot,
} from '@clicklake/delta-lake';
import type { DuckDBConnection } from '@duckdb/node-api';

/** So many files of a date below `smallRows` are written anew together. */
const smallFiles = 8;
const smallRows = 16_384;
const fileColumn = 'file of the row';

export interface Replacement {
  /** Files that hold rows to replace, and small ones that had become many. */
  readonly files: readonly AddFile[];
  /** Their rows that stay, as a SELECT; undefined when there are no such files. */
  readonly kept: string | undefined;
}

/**
 * Which files of a table hold rows with given keys: the others can stay as they are. A refresh makes a file of a
 * date's new rows and another of those that it keeps, so that what goes on happening to the newest rows does not
 * reach the older ones.
 *
 * @param dateFiles the table's files on the dates concerned.
 * @param keys SQL text of a relation with the keys, under names of the table's columns.
 */
export async function planReplacement(
  connection: DuckDBConnection,
  table: Pick<DeltaTable, 'store'>,
  snapshot: Snapshot,
  dateFiles: readonly AddFile[],
  keys: string,
  rowsOf: (file: AddFile) => number,
): Promise<Replacement> {
  const { store } = table;
  const described = await connection.runAndReadAll(`DESCRIBE ${keys}`);
  const columns = described.getRows().map(([name]) => quoteIdentifier(String(name)));
  const using = `${keys} AS concerned USING (${columns.join(', ')})`;
  const scan = scanSql(store, snapshot, dateFiles, fileColumn);
  const found = await connection.runAndReadAll(
    `SELECT DISTINCT ${quoteIdentifier(fileColumn)} FROM (${scan}) SEMI JOIN ${using}`,
  );
  const places = new Set(found.getRows().map(([place]) => String(place)));
  const concerned = dateFiles.filter(({ path }) => places.has(store.location(path)));
  // One that is not recognised would keep rows that are to be replaced.
  if (concerned.length !== places.size)
    throw new TypeError(`Rows come from files that ${keys} was not looked for in.`);
  const others = dateFiles.filter((file) => !concerned.includes(file));
  const files = [...concerned, ...smallOnes(others, rowsOf)];
  return {
    files,
    kept:
      files.length === 0
        ? undefined
        : `SELECT * FROM (${scanSql(store, snapshot, files)}) ANTI JOIN ${using}`,
  };
}

function smallOnes(files: readonly AddFile[], rowsOf: (file: AddFile) => number): readonly AddFile[] {
  const byDate = new Map<string, AddFile[]>();
  for (const file of files) {
    if (rowsOf(file) >= smallRows) continue;
    const date = JSON.stringify(file.partitionValues);
    byDate.set(date, [...(byDate.get(date) ?? []), file]);
  }
  return [...byDate.values()].filter((small) => small.length >= smallFiles).flat();
}
