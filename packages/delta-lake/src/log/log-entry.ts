import type {
  AddFile,
  CommitInfo,
  LogEntry,
  Metadata,
  PartitionValues,
  Protocol,
  RemoveFile,
  SetTransaction,
} from './actions.ts';
import { DeltaError } from '../delta-error.ts';
import { parseExactJson, rawNumber } from './exact-json.ts';
import { decodePath, encodePath, isForeignPath } from '../data-files/path-encoding.ts';

type Json = Readonly<Record<string, unknown>>;

/**
 * Parses one log entry: one JSON action a line.
 *
 * @param what names the entry in errors.
 * @throws DeltaError `delta-log-corrupt`.
 */
export function parseLogEntry(bytes: Uint8Array, what: string): LogEntry {
  const entry = emptyEntry();
  const lines = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8').split('\n');
  for (const line of lines) {
    if (line.trim() === '') continue;
    let json: unknown;
    try {
      json = parseExactJson(line);
    } catch (cause) {
      throw corrupt(what, 'a line is not JSON', cause);
    }
    addAction(entry, json, what);
  }
  return entry;
}

interface MutableEntry {
  protocol: Protocol | undefined;
  metadata: Metadata | undefined;
  commitInfo: CommitInfo | undefined;
  readonly transactions: SetTransaction[];
  readonly adds: AddFile[];
  readonly removes: RemoveFile[];
}

export function emptyEntry(): MutableEntry {
  return {
    protocol: undefined,
    metadata: undefined,
    commitInfo: undefined,
    transactions: [],
    adds: [],
    removes: [],
  };
}

/** Adds one action, as a log line or a checkpoint row holds it. */
export function addAction(entry: MutableEntry, json: unknown, what: string): void {
  const action = asJson(json, what);
  if (action.add !== undefined && action.add !== null)
    entry.adds.push(parseAdd(asJson(action.add, what), what));
  if (action.remove !== undefined && action.remove !== null) {
    entry.removes.push(parseRemove(asJson(action.remove, what), what));
  }
  if (action.txn !== undefined && action.txn !== null)
    entry.transactions.push(parseTxn(asJson(action.txn, what), what));
  if (action.metaData !== undefined && action.metaData !== null) {
    entry.metadata = parseMetadata(asJson(action.metaData, what), what);
  }
  if (action.protocol !== undefined && action.protocol !== null) {
    entry.protocol = parseProtocol(asJson(action.protocol, what), what);
  }
  if (action.commitInfo !== undefined && action.commitInfo !== null) {
    entry.commitInfo = parseCommitInfo(asJson(action.commitInfo, what));
  }
}

function parseAdd(json: Json, what: string): AddFile {
  if (json.deletionVector !== undefined && json.deletionVector !== null) {
    throw corrupt(what, 'a file has a deletion vector, which the protocol of the table does not announce');
  }
  return {
    path: parsePath(json.path, what),
    partitionValues: parsePartitionValues(json.partitionValues) ?? {},
    size: parseInteger(json.size, what, 'add.size'),
    modificationTime: parseInteger(json.modificationTime ?? 0, what, 'add.modificationTime'),
    dataChange: json.dataChange !== false,
    stats: typeof json.stats === 'string' && json.stats !== '' ? json.stats : null,
    tags: parseTextMap(json.tags),
  };
}

function parseRemove(json: Json, what: string): RemoveFile {
  return {
    path: parsePath(json.path, what),
    deletionTimestamp: parseInteger(json.deletionTimestamp ?? 0, what, 'remove.deletionTimestamp'),
    dataChange: json.dataChange !== false,
    partitionValues: parsePartitionValues(json.partitionValues),
    size: json.size === undefined || json.size === null ? null : parseInteger(json.size, what, 'remove.size'),
  };
}

function parseTxn(json: Json, what: string): SetTransaction {
  const version = json.version;
  if (typeof version !== 'number' && typeof version !== 'bigint') throw corrupt(what, 'a txn has no version');
  return {
    appId: parseText(json.appId, what, 'txn.appId'),
    version: BigInt(version),
    lastUpdated:
      json.lastUpdated === undefined || json.lastUpdated === null ? null : Number(json.lastUpdated),
  };
}

function parseMetadata(json: Json, what: string): Metadata {
  return {
    id: typeof json.id === 'string' ? json.id : '',
    name: typeof json.name === 'string' ? json.name : null,
    description: typeof json.description === 'string' ? json.description : null,
    schemaString: parseText(json.schemaString, what, 'metaData.schemaString'),
    partitionColumns: Array.isArray(json.partitionColumns) ? json.partitionColumns.map(String) : [],
    configuration: parseTextMap(json.configuration) ?? {},
    createdTime:
      json.createdTime === undefined || json.createdTime === null ? null : Number(json.createdTime),
  };
}

function parseProtocol(json: Json, what: string): Protocol {
  const features = (value: unknown): readonly string[] | undefined =>
    Array.isArray(value) ? value.map(String) : undefined;
  const readerFeatures = features(json.readerFeatures);
  const writerFeatures = features(json.writerFeatures);
  return {
    minReaderVersion: parseInteger(json.minReaderVersion, what, 'protocol.minReaderVersion'),
    minWriterVersion: parseInteger(json.minWriterVersion, what, 'protocol.minWriterVersion'),
    ...(readerFeatures === undefined ? {} : { readerFeatures }),
    ...(writerFeatures === undefined ? {} : { writerFeatures }),
  };
}

function parseCommitInfo(json: Json): CommitInfo {
  const object = (value: unknown): Json =>
    typeof value === 'object' && value !== null ? (value as Json) : {};
  const text = (value: unknown): string | null => (typeof value === 'string' ? value : null);
  return {
    timestamp: typeof json.timestamp === 'number' ? json.timestamp : null,
    operation: text(json.operation),
    operationParameters: object(json.operationParameters),
    operationMetrics: object(json.operationMetrics),
    engineInfo: text(json.engineInfo),
    isBlindAppend: typeof json.isBlindAppend === 'boolean' ? json.isBlindAppend : null,
    readVersion: typeof json.readVersion === 'number' ? json.readVersion : null,
    txnId: text(json.txnId),
    userMetadata: text(json.userMetadata),
  };
}

/** Serialises an entry for the log. commitInfo comes first, so that its txnId makes the body unique early. */
export function serializeLogEntry(entry: LogEntry): string {
  const lines: unknown[] = [];
  if (entry.commitInfo !== undefined) lines.push({ commitInfo: withoutNulls({ ...entry.commitInfo }) });
  if (entry.protocol !== undefined) lines.push({ protocol: entry.protocol });
  if (entry.metadata !== undefined) lines.push({ metaData: metadataJson(entry.metadata) });
  for (const txn of entry.transactions) lines.push({ txn: transactionJson(txn) });
  for (const remove of entry.removes) lines.push({ remove: removeJson(remove) });
  for (const add of entry.adds) lines.push({ add: addJson(add) });
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}

export function metadataJson(metadata: Metadata): Json {
  return {
    id: metadata.id,
    ...(metadata.name === null ? {} : { name: metadata.name }),
    ...(metadata.description === null ? {} : { description: metadata.description }),
    format: { provider: 'parquet', options: {} },
    schemaString: metadata.schemaString,
    partitionColumns: metadata.partitionColumns,
    configuration: metadata.configuration,
    ...(metadata.createdTime === null ? {} : { createdTime: metadata.createdTime }),
  };
}

export function transactionJson(txn: SetTransaction): Json {
  return {
    appId: txn.appId,
    version: rawNumber(txn.version.toString()),
    ...(txn.lastUpdated === null ? {} : { lastUpdated: txn.lastUpdated }),
  };
}

export function addJson(add: AddFile): Json {
  return withoutNulls({ ...add, path: encodePath(add.path) });
}

export function removeJson(remove: RemoveFile): Json {
  return withoutNulls({
    ...remove,
    path: encodePath(remove.path),
    extendedFileMetadata: remove.partitionValues !== null && remove.size !== null,
  });
}

function withoutNulls(json: Record<string, unknown>): Json {
  return Object.fromEntries(Object.entries(json).filter(([, value]) => value !== null));
}

function parsePath(value: unknown, what: string): string {
  const path = parseText(value, what, 'path');
  const key = decodePath(path);
  // Decoded too: `..%2F` leaves the root as well.
  if (isForeignPath(path) || isForeignPath(key)) {
    throw new DeltaError({
      code: 'delta-unsupported-reader',
      message: `${what} refers to ${path}, outside of the table's root (a shallow clone?).`,
      hint: 'Read this table with the engine that cloned it, or make a deep copy of it.',
      details: { path },
    });
  }
  return key;
}

/** Null and the empty string are both null (PROTOCOL, "Partition Value Serialization"). */
function parsePartitionValues(value: unknown): PartitionValues | null {
  const map = parseNullableTextMap(value);
  if (map === null) return null;
  return Object.fromEntries(Object.entries(map).map(([key, text]) => [key, text === '' ? null : text]));
}

function parseTextMap(value: unknown): Readonly<Record<string, string>> | null {
  const map = parseNullableTextMap(value);
  if (map === null) return null;
  return Object.fromEntries(
    Object.entries(map).filter((entry): entry is [string, string] => entry[1] !== null),
  );
}

function parseNullableTextMap(value: unknown): Readonly<Record<string, string | null>> | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  return Object.fromEntries(
    Object.entries(value).map(([key, text]: [string, unknown]) => [
      key,
      typeof text === 'string' ? text : text === null ? null : JSON.stringify(text),
    ]),
  );
}

function parseText(value: unknown, what: string, field: string): string {
  if (typeof value !== 'string') throw corrupt(what, `${field} is not a string`);
  return value;
}

function parseInteger(value: unknown, what: string, field: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value))
    throw corrupt(what, `${field} is not an integer`);
  return value;
}

function asJson(value: unknown, what: string): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw corrupt(what, 'an action is not an object');
  return value as Json;
}

export function corrupt(what: string, why: string, cause?: unknown): DeltaError {
  return new DeltaError({
    code: 'delta-log-corrupt',
    message: `${what} cannot be read: ${why}.`,
    hint: 'Restore this object from a backup; a table never repairs its own log.',
    cause,
  });
}
