import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { CrashPoints } from '@clicklake/durable-files';
import { addJson, metadataJson, removeJson, transactionJson } from './log-entry.ts';
import { checkpointKey, lastCheckpointKey } from './log-files.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { quoteLiteral } from '../data-files/sql-text.ts';
import { isExpired, type Snapshot } from './table-state.ts';

/** Schema of a classic checkpoint (PROTOCOL, "Checkpoint Schema"): one action a row. */
const columns: Readonly<Record<string, string>> = {
  txn: 'STRUCT("appId" VARCHAR, "version" BIGINT, "lastUpdated" BIGINT)',
  add: 'STRUCT("path" VARCHAR, "partitionValues" MAP(VARCHAR, VARCHAR), "size" BIGINT, "modificationTime" BIGINT, "dataChange" BOOLEAN, "stats" VARCHAR, "tags" MAP(VARCHAR, VARCHAR))',
  remove:
    'STRUCT("path" VARCHAR, "deletionTimestamp" BIGINT, "dataChange" BOOLEAN, "extendedFileMetadata" BOOLEAN, "partitionValues" MAP(VARCHAR, VARCHAR), "size" BIGINT)',
  metaData:
    'STRUCT("id" VARCHAR, "name" VARCHAR, "description" VARCHAR, "format" STRUCT("provider" VARCHAR, "options" MAP(VARCHAR, VARCHAR)), "schemaString" VARCHAR, "partitionColumns" VARCHAR[], "configuration" MAP(VARCHAR, VARCHAR), "createdTime" BIGINT)',
  protocol: 'STRUCT("minReaderVersion" INTEGER, "minWriterVersion" INTEGER)',
};

/** The JSON reader allocates twice its largest object per thread; what a schema or statistics take is far less. */
const leastObjectBytes = 1024 * 1024;

export interface WrittenCheckpoint {
  readonly version: number;
  /** Number of actions. */
  readonly actions: number;
  readonly bytes: number;
}

/**
 * Writes the snapshot as a classic checkpoint and then the hint that names it. Tombstones past their
 * retention are left out: from then on VACUUM no longer needs them (PROTOCOL, "Checkpoints").
 *
 * @param now milliseconds since the epoch.
 */
export async function writeCheckpoint(
  store: ObjectStore,
  connection: DuckDBConnection,
  snapshot: Snapshot,
  now: number,
  crashPoints: CrashPoints,
): Promise<WrittenCheckpoint> {
  const staging = await store.createStaging();
  try {
    const lines = join(staging, 'actions.ndjson');
    const parquet = join(staging, 'checkpoint.parquet');
    const counts = { actions: 0, longestLine: 0 };
    await pipeline(Readable.from(inBatches(actionLines(snapshot, now), counts)), createWriteStream(lines));
    const types = Object.entries(columns).map(([name, type]) => `${name}: ${quoteLiteral(type)}`);
    const source = `read_json(${quoteLiteral(lines)}, format = 'newline_delimited', columns = {${types.join(', ')}}, maximum_object_size = ${Math.max(leastObjectBytes, counts.longestLine)})`;
    await connection.run(
      `COPY (SELECT * FROM ${source}) TO ${quoteLiteral(parquet)} (FORMAT parquet, COMPRESSION zstd)`,
    );
    const [stored] = await store.adopt([{ localPath: parquet, key: checkpointKey(snapshot.version) }]);
    crashPoints.reach('delta-checkpoint-written');
    const bytes = stored?.size ?? 0;
    const hint = {
      version: snapshot.version,
      size: counts.actions,
      sizeInBytes: bytes,
      numOfAddFiles: snapshot.files.size,
    };
    await store.put(lastCheckpointKey, Buffer.from(JSON.stringify(hint)));
    return { version: snapshot.version, actions: counts.actions, bytes };
  } finally {
    await store.discardStaging(staging);
  }
}

function* actionLines(snapshot: Snapshot, now: number): Generator<string> {
  const { minReaderVersion, minWriterVersion } = snapshot.protocol;
  yield JSON.stringify({ protocol: { minReaderVersion, minWriterVersion } });
  yield JSON.stringify({ metaData: metadataJson(snapshot.metadata) });
  for (const [appId, version] of snapshot.transactions) {
    const lastUpdated = snapshot.transactionTimes.get(appId) ?? null;
    yield JSON.stringify({ txn: transactionJson({ appId, version, lastUpdated }) });
  }
  for (const remove of snapshot.tombstones.values()) {
    if (isExpired(remove.deletionTimestamp, snapshot.properties.deletedFileRetentionMs, now)) continue;
    yield JSON.stringify({ remove: { ...removeJson(remove), dataChange: false } });
  }
  for (const add of snapshot.files.values())
    yield JSON.stringify({ add: { ...addJson(add), dataChange: false } });
}

/** A few hundred lines at a time: a write per line would be slow, the whole text at once large. */
function* inBatches(
  lines: Generator<string>,
  counts: { actions: number; longestLine: number },
): Generator<string> {
  let batch: string[] = [];
  for (const line of lines) {
    counts.actions += 1;
    // No UTF-16 unit takes more than three bytes of UTF-8.
    counts.longestLine = Math.max(counts.longestLine, 3 * line.length + 1);
    batch.push(line);
    if (batch.length < 512) continue;
    yield `${batch.join('\n')}\n`;
    batch = [];
  }
  if (batch.length > 0) yield `${batch.join('\n')}\n`;
}
