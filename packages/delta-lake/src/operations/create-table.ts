import { randomUUID } from 'node:crypto';
import type { LogEntry } from '../log/actions.ts';
import { DeltaError } from '../delta-error.ts';
import { serializeLogEntry } from '../log/log-entry.ts';
import { entryKey, listLog } from '../log/log-files.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { requireWritable, writtenProtocol } from '../log/protocol.ts';
import { serializeSchema, type StructType } from '../schema/schema.ts';
import { validateNewSchema } from '../schema/schema-rules.ts';
import { parseTableProperties, requireKnownProperties } from '../log/table-properties.ts';

export interface TableDefinition {
  readonly schema: StructType;
  readonly partitionColumns?: readonly string[];
  /** Table properties: `delta.checkpointInterval`, … */
  readonly configuration?: Readonly<Record<string, string>>;
  readonly name?: string;
  readonly description?: string;
}

/**
 * Writes version 0.
 *
 * @throws DeltaError `delta-table-exists`, `delta-unsupported-schema`, `delta-invalid-argument`.
 */
export async function writeFirstVersion(
  store: ObjectStore,
  definition: TableDefinition,
  context: { readonly now: number; readonly engineInfo: string },
): Promise<void> {
  const { schema, partitionColumns = [], configuration = {} } = definition;
  validateNewSchema(schema, partitionColumns);
  requireKnownProperties(configuration);
  parseTableProperties(configuration);
  const metadata = {
    id: randomUUID(),
    name: definition.name ?? null,
    description: definition.description ?? null,
    schemaString: serializeSchema(schema),
    partitionColumns,
    configuration,
    createdTime: context.now,
  };
  requireWritable(writtenProtocol, metadata, schema);
  const entry: LogEntry = {
    protocol: writtenProtocol,
    metadata,
    transactions: [],
    adds: [],
    removes: [],
    commitInfo: {
      timestamp: context.now,
      operation: 'CREATE TABLE',
      operationParameters: {
        partitionBy: JSON.stringify(partitionColumns),
        properties: JSON.stringify(configuration),
      },
      operationMetrics: {},
      engineInfo: context.engineInfo,
      isBlindAppend: true,
      readVersion: null,
      txnId: randomUUID(),
      userMetadata: null,
    },
  };
  // Version 0 of an old table may have been cleaned up: its key is free and the table is there all the same.
  const { entries, checkpoints } = await listLog(store);
  const isFree = entries.length === 0 && checkpoints.length === 0;
  if (isFree && (await store.putIfAbsent(entryKey(0), Buffer.from(serializeLogEntry(entry))))) return;
  throw new DeltaError({
    code: 'delta-table-exists',
    message: 'There is a Delta table here already.',
    hint: 'Open it instead, or choose another directory.',
  });
}
