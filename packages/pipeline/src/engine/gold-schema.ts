import { column, structOf, type DataType, type StructType } from '@clicklake/delta-lake';
import { defaultTableRetentions, retentionProperties } from '../maintenance/table-retention.ts';
import { ModelError, type ModelColumn } from '../models/index.ts';

/** The types that models may give to their columns, as Delta has them (semantics S2.2, S7). */
const deltaTypes: Readonly<Record<string, DataType>> = {
  varchar: 'string',
  bigint: 'long',
  integer: 'integer',
  double: 'double',
  boolean: 'boolean',
  date: 'date',
  'timestamp with time zone': 'timestamp',
};

/** The Delta schema of a model's described columns. @throws ModelError `model-project-invalid` */
export function goldSchema(columns: readonly ModelColumn[]): StructType {
  return structOf(
    ...columns.map(({ name, type }) => {
      const known = deltaTypes[type];
      if (known !== undefined) return column(name, known);
      throw new ModelError({
        code: 'model-project-invalid',
        message: `Column ${name} has the type "${type}", which no table format of ours has.`,
        hint: `Use one of: ${Object.keys(deltaTypes).join(', ')}.`,
      });
    }),
  );
}

/** A new table's (S4.5); the maintenance job sets what the settings say. */
export const goldProperties = retentionProperties(defaultTableRetentions.gold);
