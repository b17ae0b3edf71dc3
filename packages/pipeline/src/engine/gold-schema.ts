import { column, structOf, type DataType, type StructType } from '@clicklake/delta-lake';
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

/**
 * S4.5: Gold's tombstones live an hour, since a date's rows are rewritten with every refresh. Its log need not reach
 * much further back than the files do: a refresh that commits every few seconds all day long leaves some four thousand
 * entries of a table, whatever its age.
 */
export const goldProperties = {
  'delta.checkpointInterval': '100',
  'delta.logRetentionDuration': 'interval 6 hours',
  'delta.deletedFileRetentionDuration': 'interval 1 hours',
};
