import type { DuckDBConnection, DuckDBDataChunk } from '@duckdb/node-api';
import duckdb from '@duckdb/node-bindings';
import type { DedupeBatch } from '../dedupe/dedupe-batch.ts';
import { offsetExpression, partitionExpression, type RowPlaces } from './silver-projection.ts';
import { literal } from './sql-literal.ts';

/** What a tick's table has beside the contract's columns. */
export function hashColumn(salt: string): string {
  return `${hashExpression(salt)} AS "$hash"`;
}

/**
 * Reads what the dedupe index needs of a tick's table: row i of the batch is rowid i.
 */
export async function readEventHashes(
  connection: DuckDBConnection,
  table: string,
  places: RowPlaces,
): Promise<DedupeBatch> {
  return readHashes(
    connection,
    `SELECT "$hash", CAST(coalesce(epoch_ms(received_at), 0) AS DOUBLE),
       CAST(${partitionExpression(places)} AS INTEGER), CAST(${offsetExpression(places)} AS DOUBLE)
     FROM ${table}`,
  );
}

/**
 * The hash of an id as one UHUGEINT, whose vector is the four words of a row as the index wants them.
 *
 * It is MD5 over a secret of this lake and the id: 128 bits that nobody without the secret can make collide, at a
 * third of SHA-256's cost (S3.2 allows no false positive, S3.3 asks for 128 bits).
 */
export function hashExpression(salt: string): string {
  return `coalesce(md5_number(${literal(salt)} || event_id), 0::UHUGEINT)`;
}

/**
 * Runs a query for (hash UHUGEINT, received_at ms DOUBLE, partition INTEGER, offset DOUBLE), none of them null,
 * and takes the vectors over as typed arrays without a JavaScript value per cell.
 */
export async function readHashes(connection: DuckDBConnection, sql: string): Promise<DedupeBatch> {
  const result = await connection.run(sql);
  const chunks = (await result.fetchAllChunks()).filter((chunk) => chunk.rowCount > 0);
  return batchOfChunks(chunks);
}

/** The hash of one id, by the same expression. */
export async function hashOf(
  connection: DuckDBConnection,
  salt: string,
  eventId: string,
): Promise<Uint32Array> {
  const result = await connection.run(
    `SELECT ${hashExpression(salt)}, 0::DOUBLE, 0::INTEGER, 0::DOUBLE FROM (SELECT $1::VARCHAR AS event_id)`,
    [eventId],
  );
  return batchOfChunks(await result.fetchAllChunks()).hashes;
}

export function batchOfChunks(chunks: readonly DuckDBDataChunk[]): DedupeBatch {
  const count = chunks.reduce((sum, chunk) => sum + chunk.rowCount, 0);
  const hashes = new Uint32Array(count * 4);
  const receivedAt = new Float64Array(count);
  const partitions = new Int32Array(count);
  const offsets = new Float64Array(count);
  let row = 0;
  for (const chunk of chunks) {
    const rows = chunk.rowCount;
    copyVector(chunk, 0, rows * 16, hashes, row * 16);
    copyVector(chunk, 1, rows * 8, receivedAt, row * 8);
    copyVector(chunk, 2, rows * 4, partitions, row * 4);
    copyVector(chunk, 3, rows * 8, offsets, row * 8);
    row += rows;
  }
  return { count, hashes, receivedAt, partitions, offsets };
}

/** Copies a vector's bytes to a place in `target`: DuckDB's memory is not ours to keep, nor aligned for us. */
function copyVector(
  chunk: DuckDBDataChunk,
  column: number,
  bytes: number,
  target: Uint32Array | Float64Array | Int32Array,
  at: number,
): void {
  const vector = duckdb.data_chunk_get_vector(chunk.chunk, column);
  new Uint8Array(target.buffer, target.byteOffset + at, bytes).set(duckdb.vector_get_data(vector, bytes));
}
