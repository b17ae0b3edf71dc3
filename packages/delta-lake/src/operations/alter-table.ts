import { withAddedColumns } from '../schema/schema-rules.ts';
import { serializeSchema, type StructField } from '../schema/schema.ts';
import type { CommitResult, TableContext } from '../table-context.ts';
import { parseTableProperties, requireKnownProperties } from '../log/table-properties.ts';

/**
 * Adds nullable columns at the end. Files written before read as null there.
 *
 * @throws DeltaError `delta-unsupported-schema`; `delta-metadata-changed` when somebody else was first.
 */
export async function addColumns(
  table: TableContext,
  columns: readonly StructField[],
): Promise<CommitResult> {
  const { metadata, schema, version } = await table.log.refresh();
  const extended = withAddedColumns(schema, columns, metadata.partitionColumns);
  return await table.commit({
    operation: 'ADD COLUMNS',
    operationParameters: { columns },
    metadata: { ...metadata, schemaString: serializeSchema(extended) },
    readVersion: version,
  });
}

/**
 * Sets table properties; null unsets.
 *
 * @throws DeltaError `delta-invalid-argument` for a `delta.` property that we do not honour.
 */
export async function setProperties(
  table: TableContext,
  properties: Readonly<Record<string, string | null>>,
): Promise<CommitResult> {
  const { metadata, version } = await table.log.refresh();
  const merged = Object.entries({ ...metadata.configuration, ...properties });
  const configuration = Object.fromEntries(
    merged.filter((entry): entry is [string, string] => entry[1] !== null),
  );
  requireKnownProperties(
    Object.fromEntries(
      Object.entries(properties).filter((entry): entry is [string, string] => entry[1] !== null),
    ),
  );
  parseTableProperties(configuration);
  return await table.commit({
    operation: 'SET TBLPROPERTIES',
    operationParameters: { properties },
    metadata: { ...metadata, configuration },
    readVersion: version,
  });
}
