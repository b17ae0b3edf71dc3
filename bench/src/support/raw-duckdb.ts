import { open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readJsonColumns } from '@clicklake/contract';
import { DuckDBInstance } from '@duckdb/node-api';

/**
 * Ingest's baseline (S10): DuckDB reads the same values from one NDJSON file into the same typed columns and
 * writes the same Parquet, partitioned and compressed alike, with two threads; the files are then fsynced.
 */
export async function runRawDuckdb(
  ndjson: string,
  directory: string,
): Promise<{ readonly seconds: number; readonly cpuSeconds: number }> {
  await rm(directory, { recursive: true, force: true });
  const instance = await DuckDBInstance.create(':memory:', { threads: '2', memory_limit: '1024MB' });
  const connection = await instance.connect();
  await connection.run(`SET TimeZone = 'UTC'`);
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  await connection.run(
    `COPY (SELECT *, now() AS processing_timestamp, CAST("timestamp" AS DATE) AS event_date,
       'clickstream-events' AS log_topic, 0 AS log_partition, 0::BIGINT AS log_offset
     FROM read_json('${ndjson}', format = 'newline_delimited', columns = ${readJsonColumns}))
     TO '${directory}' (FORMAT parquet, COMPRESSION zstd, PARTITION_BY (event_date))`,
  );
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = await open(join(entry.parentPath, entry.name));
    await file.sync();
    await file.close();
  }
  const seconds = (performance.now() - startedAt) / 1000;
  const cpu = process.cpuUsage(cpuBefore);
  connection.closeSync();
  instance.closeSync();
  return { seconds, cpuSeconds: (cpu.user + cpu.system) / 1e6 };
}
