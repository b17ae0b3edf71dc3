import { recordCount } from '../data-files/statistics.ts';
import type { Snapshot } from '../log/table-state.ts';

/** A table at a glance: `DESCRIBE DETAIL`. */
export interface TableDetail {
  readonly id: string;
  readonly name: string | null;
  readonly description: string | null;
  readonly version: number;
  /** Milliseconds since the epoch. */
  readonly createdAt: number | null;
  readonly lastModified: number;
  readonly partitionColumns: readonly string[];
  readonly numFiles: number;
  readonly sizeInBytes: number;
  /** Undefined when some file has no statistics. */
  readonly numRecords: number | undefined;
  readonly tombstones: number;
  readonly transactions: ReadonlyMap<string, bigint>;
  readonly properties: Readonly<Record<string, string>>;
  readonly minReaderVersion: number;
  readonly minWriterVersion: number;
}

export function describeTable(snapshot: Snapshot): TableDetail {
  let sizeInBytes = 0;
  let numRecords: number | undefined = 0;
  for (const file of snapshot.files.values()) {
    sizeInBytes += file.size;
    const rows = recordCount(file.stats);
    numRecords = numRecords === undefined || rows === undefined ? undefined : numRecords + rows;
  }
  const { metadata, protocol } = snapshot;
  return {
    id: metadata.id,
    name: metadata.name,
    description: metadata.description,
    version: snapshot.version,
    createdAt: metadata.createdTime,
    lastModified: snapshot.timestamp,
    partitionColumns: metadata.partitionColumns,
    numFiles: snapshot.files.size,
    sizeInBytes,
    numRecords,
    tombstones: snapshot.tombstones.size,
    transactions: snapshot.transactions,
    properties: metadata.configuration,
    minReaderVersion: protocol.minReaderVersion,
    minWriterVersion: protocol.minWriterVersion,
  };
}
