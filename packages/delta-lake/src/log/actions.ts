/**
 * The actions of a Delta log entry that we know (Delta PROTOCOL, "Actions"), parsed. Unknown actions and
 * fields are ignored on reading, as the protocol demands.
 */
export interface Protocol {
  readonly minReaderVersion: number;
  readonly minWriterVersion: number;
  readonly readerFeatures?: readonly string[];
  readonly writerFeatures?: readonly string[];
}

export interface Metadata {
  readonly id: string;
  readonly name: string | null;
  readonly description: string | null;
  readonly schemaString: string;
  readonly partitionColumns: readonly string[];
  readonly configuration: Readonly<Record<string, string>>;
  /** Milliseconds since the epoch. */
  readonly createdTime: number | null;
}

/** Column to its value's text; null is null. Texts as the PROTOCOL's "Partition Value Serialization". */
export type PartitionValues = Readonly<Record<string, string | null>>;

export interface AddFile {
  /** Key in the object store: `add.path`, percent-decoded once. */
  readonly path: string;
  readonly partitionValues: PartitionValues;
  /** Bytes. */
  readonly size: number;
  /** Milliseconds since the epoch. */
  readonly modificationTime: number;
  /** False: the rows were in the table before (OPTIMIZE). */
  readonly dataChange: boolean;
  /** Statistics as the JSON text that the log holds; see statistics.ts. */
  readonly stats: string | null;
  readonly tags: Readonly<Record<string, string>> | null;
}

export interface RemoveFile {
  readonly path: string;
  /** Milliseconds since the epoch: from here the retention of the file counts. */
  readonly deletionTimestamp: number;
  readonly dataChange: boolean;
  /** Null when the writer did not set extendedFileMetadata. */
  readonly partitionValues: PartitionValues | null;
  readonly size: number | null;
}

/** The application's own high-water mark, committed with the data it covers. */
export interface SetTransaction {
  readonly appId: string;
  readonly version: bigint;
  /** Milliseconds since the epoch; null when the writer did not say. */
  readonly lastUpdated: number | null;
}

/** Free provenance; we write the keys that Spark and delta-rs show in their histories. */
export interface CommitInfo {
  readonly timestamp: number | null;
  readonly operation: string | null;
  readonly operationParameters: Readonly<Record<string, unknown>>;
  readonly operationMetrics: Readonly<Record<string, unknown>>;
  readonly engineInfo: string | null;
  readonly isBlindAppend: boolean | null;
  readonly readVersion: number | null;
  /** Unique per commit attempt: an entry is recognised as one's own by it. */
  readonly txnId: string | null;
  readonly userMetadata: string | null;
}

/** One `_delta_log/<version>.json`. */
export interface LogEntry {
  readonly protocol: Protocol | undefined;
  readonly metadata: Metadata | undefined;
  readonly transactions: readonly SetTransaction[];
  readonly adds: readonly AddFile[];
  readonly removes: readonly RemoveFile[];
  readonly commitInfo: CommitInfo | undefined;
}
