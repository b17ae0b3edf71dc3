import { join } from 'node:path';
import { localStore, openTable, quoteLiteral, scanSql } from '@clicklake/delta-lake';
import { nodeFileSystem } from '@clicklake/durable-files';
import { lakePaths } from '@clicklake/pipeline';
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';

/** What the truth file says of Silver, counted in events; all zero is the wish. */
export interface SilverVerdict {
  readonly acknowledged: number;
  /** Acknowledged, young enough for retention to have left it alone, and not in Silver. */
  readonly missing: number;
  /** In Silver more than once. */
  readonly repeated: number;
  /** In Silver, and never sent. */
  readonly unknown: number;
}

/** Rows of a Gold table that a full recomputation does not have, and the other way round. */
export interface GoldVerdict {
  readonly table: string;
  readonly rows: number;
  readonly onlyBefore: number;
  readonly onlyAfter: number;
}

export const goldTables = [
  'daily_user_activity',
  'product_performance',
  'user_session_metrics',
  'product_conversion_rates',
  'daily_aggregates',
] as const;

/** Holds a stopped lake against what was sent, and its Gold against a full recomputation. */
export interface SoakJudge {
  silver(truthFile: string, oldestDate: string): Promise<SilverVerdict>;
  /** Remembers Gold as it is now. */
  rememberGold(): Promise<void>;
  compareGold(): Promise<readonly GoldVerdict[]>;
  close(): void;
}

export async function openSoakJudge(home: string): Promise<SoakJudge> {
  const paths = lakePaths(home);
  const duckdb = await DuckDBInstance.create(':memory:', { threads: '2', memory_limit: '4GB' });
  const connection = await duckdb.connect();
  await connection.run(`SET TimeZone = 'UTC'`);

  async function relation(directory: string): Promise<string> {
    const table = await openTable(localStore(directory, nodeFileSystem), { duckdb });
    const sql = scanSql(table.store, await table.snapshot());
    await table.close();
    return sql;
  }

  const gold = (name: string): Promise<string> => relation(join(paths.gold, name));
  return {
    async silver(truthFile, oldestDate) {
      await connection.run(
        `CREATE OR REPLACE TABLE sent AS SELECT event_id, CAST(CAST("timestamp" AS TIMESTAMP) AS DATE) AS event_date
         FROM read_json(${quoteLiteral(truthFile)}, format = 'newline_delimited', columns = {kind: 'VARCHAR',
         event_id: 'VARCHAR', "timestamp": 'VARCHAR', delivered: 'BOOLEAN'})
         WHERE kind = 'event' AND delivered IS DISTINCT FROM false`,
      );
      await connection.run(
        `CREATE OR REPLACE TABLE found AS SELECT event_id, count(*) AS times
         FROM (${await relation(paths.tables.silver)}) GROUP BY event_id`,
      );
      return {
        acknowledged: await count(connection, 'SELECT count(*) FROM sent'),
        missing: await count(
          connection,
          `SELECT count(*) FROM sent ANTI JOIN found USING (event_id) WHERE event_date >= ${quoteLiteral(oldestDate)}`,
        ),
        repeated: await count(connection, 'SELECT count(*) FROM found WHERE times > 1'),
        unknown: await count(connection, 'SELECT count(*) FROM found ANTI JOIN sent USING (event_id)'),
      };
    },
    async rememberGold() {
      for (const name of goldTables)
        await connection.run(`CREATE OR REPLACE TABLE ${name} AS ${await gold(name)}`);
    },
    async compareGold() {
      const verdicts: GoldVerdict[] = [];
      for (const name of goldTables) {
        const after = `(${await gold(name)})`;
        verdicts.push({
          table: name,
          rows: await count(connection, `SELECT count(*) FROM ${name}`),
          onlyBefore: await difference(connection, `FROM ${name}`, `FROM ${after}`),
          onlyAfter: await difference(connection, `FROM ${after}`, `FROM ${name}`),
        });
      }
      return verdicts;
    },
    close() {
      connection.closeSync();
      duckdb.closeSync();
    },
  };
}

async function count(connection: DuckDBConnection, sql: string): Promise<number> {
  const [row] = (await connection.runAndReadAll(sql)).getRows();
  return Number(row?.[0]);
}

function difference(connection: DuckDBConnection, left: string, right: string): Promise<number> {
  return count(connection, `SELECT count(*) FROM (${left} EXCEPT ALL ${right})`);
}
