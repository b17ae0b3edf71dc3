import { localStore, openTable, quoteLiteral, scanSql } from '@clicklake/delta-lake';
import { nodeFileSystem } from '@clicklake/durable-files';
import { lakePaths } from '@clicklake/pipeline';
import { DuckDBInstance } from '@duckdb/node-api';

/** Where the committed tables of a lake differ from what was sent: all empty is the wish. */
export interface TruthVerdict {
  /** Events that were sent and are not in Silver with these very values. */
  readonly missing: readonly unknown[];
  /** Rows of Silver that nobody sent so, or that are there once too often. */
  readonly unexpected: readonly unknown[];
  /** Ids with fewer duplicates than copies were acknowledged, or with more than were sent. */
  readonly duplicates: readonly unknown[];
  /** Duplicates that do not name the place of Silver's row. */
  readonly unfounded: readonly unknown[];
  /** The same for dead letters, by id and reason. */
  readonly deadLetters: readonly unknown[];
}

/** What was sent, counted. */
export interface TruthCounts {
  readonly events: number;
  readonly late: number;
  readonly duplicates: number;
  readonly malformed: number;
  /** Events of nobody known as a bot. */
  readonly ofPeople: number;
}

/** Holds committed tables against truth files, in a DuckDB of its own. Reads, and never writes. */
export interface TruthJudge {
  /**
   * @param truthFiles what the simulator noted; a record that was sent again after a lost answer may be there as often.
   * @param oldestDate rows of Silver before this date, `YYYY-MM-DD`, are past its retention: they must be gone.
   */
  judge(home: string, truthFiles: readonly string[], oldestDate?: string): Promise<TruthVerdict>;
  count(truthFiles: readonly string[], oldestDate?: string): Promise<TruthCounts>;
  close(): void;
}

const columns = `{kind: 'VARCHAR', event_id: 'VARCHAR', event_type: 'VARCHAR', event_name: 'VARCHAR', user_id: 'VARCHAR',
  anonymous_id: 'VARCHAR', session_id: 'VARCHAR', product_id: 'VARCHAR', "timestamp": 'TIMESTAMP', time_on_page: 'BIGINT',
  is_bot: 'BOOLEAN', late_by: 'BIGINT', reason: 'VARCHAR', sends: 'INTEGER', delivered: 'BOOLEAN'}`;

const compared = `event_id, event_type, event_name, user_id, anonymous_id, session_id, product_id,
  CAST("timestamp" AS TIMESTAMP) AS "timestamp", time_on_page, is_bot`;

export async function openTruthJudge(): Promise<TruthJudge> {
  const duckdb = await DuckDBInstance.create(':memory:', { threads: '2', memory_limit: '512MB' });
  const connection = await duckdb.connect();
  await connection.run(`SET TimeZone = 'UTC'`);
  const rows = async (sql: string): Promise<readonly Record<string, unknown>[]> =>
    (await connection.runAndReadAll(sql)).getRowObjectsJson();

  async function load(name: string, directory: string): Promise<void> {
    const table = await openTable(localStore(directory, nodeFileSystem), { duckdb });
    try {
      await connection.run(
        `CREATE OR REPLACE TABLE ${name} AS ${scanSql(table.store, await table.snapshot())}`,
      );
    } finally {
      await table.close();
    }
  }

  async function loadTruth(files: readonly string[], oldestDate: string): Promise<void> {
    await connection.run(
      `CREATE OR REPLACE TABLE truth AS SELECT *, coalesce(sends, 1) - 1 AS extra
       FROM read_json([${files.map(quoteLiteral).join(', ')}], format = 'newline_delimited', columns = ${columns})
       WHERE kind <> 'summary'`,
    );
    await connection.run(
      `CREATE OR REPLACE TABLE sent AS SELECT * FROM truth
       WHERE kind = 'event' AND CAST("timestamp" AS DATE) >= DATE ${quoteLiteral(oldestDate)}`,
    );
    const [{ undelivered } = { undelivered: 1 }] = await rows(
      'SELECT count(*)::INTEGER AS undelivered FROM truth WHERE delivered = false',
    );
    if (undelivered !== 0) throw new Error('The producer gave records up: nobody knows what became of them.');
  }

  return {
    async judge(home, truthFiles, oldestDate = '0001-01-01') {
      const { tables } = lakePaths(home);
      for (const [name, directory] of Object.entries(tables)) await load(name, directory);
      await loadTruth(truthFiles, oldestDate);
      return {
        missing: await rows(
          `SELECT ${compared} FROM sent EXCEPT ALL SELECT ${compared} FROM silver LIMIT 10`,
        ),
        unexpected: await rows(
          `SELECT ${compared} FROM silver EXCEPT ALL SELECT ${compared} FROM sent LIMIT 10`,
        ),
        // Of all copies of an id one is the event; each attempt with a lost answer may have left one more.
        duplicates: await rows(
          `WITH copies AS (
             SELECT event_id, count(*) - 1 AS least, count(*) - 1 + sum(extra) AS most
             FROM truth WHERE kind IN ('event', 'duplicate') GROUP BY event_id
           ), found AS (SELECT event_id, count(*) AS times FROM duplicates GROUP BY event_id)
           SELECT event_id, least, most, coalesce(times, 0) AS times FROM copies FULL JOIN found USING (event_id)
           WHERE least IS NULL OR coalesce(times, 0) NOT BETWEEN least AND most LIMIT 10`,
        ),
        unfounded: await rows(
          `SELECT d.event_id, first_partition, first_offset FROM duplicates d JOIN silver s USING (event_id)
           WHERE (first_topic, first_partition, first_offset) <> (s.log_topic, s.log_partition, s.log_offset) LIMIT 10`,
        ),
        deadLetters: await rows(
          `WITH refused AS (
             SELECT event_id, reason, count(*) AS least, count(*) + sum(extra) AS most
             FROM truth WHERE kind = 'malformed' GROUP BY event_id, reason
           ), found AS (SELECT event_id, reason, count(*) AS times FROM dead_letters GROUP BY event_id, reason)
           SELECT coalesce(r.event_id, f.event_id) AS event_id, coalesce(r.reason, f.reason) AS reason, least, most, times
           FROM refused r FULL JOIN found f ON r.event_id IS NOT DISTINCT FROM f.event_id AND r.reason = f.reason
           WHERE least IS NULL OR coalesce(times, 0) NOT BETWEEN least AND most LIMIT 10`,
        ),
      };
    },
    async count(truthFiles, oldestDate = '0001-01-01') {
      await loadTruth(truthFiles, oldestDate);
      const [counts] = await rows(
        `SELECT (SELECT count(*) FROM sent)::INTEGER AS events, (SELECT count(late_by) FROM sent)::INTEGER AS late,
         (SELECT count(*) FROM truth WHERE kind = 'duplicate')::INTEGER AS duplicates,
         (SELECT count(*) FROM truth WHERE kind = 'malformed')::INTEGER AS malformed,
         (SELECT count(*) FROM sent WHERE NOT is_bot)::INTEGER AS "ofPeople"`,
      );
      return counts as unknown as TruthCounts;
    },
    close() {
      connection.closeSync();
      duckdb.closeSync();
    },
  };
}
