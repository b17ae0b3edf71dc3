import {
  isPrimitive,
  parseSchema,
  serializeSchema,
  unsupportedSchema,
  type DataType,
  type StructField,
  type StructType,
} from './schema.ts';

/**
 * What a schema must be before we put it into a table: parsed by every reader, names unique regardless of
 * case, characters that Spark's Parquet writer accepts, no type that needs a newer protocol than (1,2).
 *
 * @throws DeltaError `delta-unsupported-schema`.
 */
export function validateNewSchema(schema: StructType, partitionColumns: readonly string[]): void {
  if (schema.fields.length === 0) throw unsupportedSchema('a table needs at least one column');
  validateType(parseSchema(serializeSchema(schema)), 'schema');
  for (const name of partitionColumns) {
    const field = schema.fields.find((candidate) => candidate.name === name);
    if (field === undefined) throw unsupportedSchema(`the partition column ${name} is not in the schema`);
    if (!isPrimitive(field.type) || field.type === 'binary') {
      throw unsupportedSchema(`the partition column ${name} has a type that cannot partition`);
    }
  }
  if (new Set(partitionColumns).size !== partitionColumns.length)
    throw unsupportedSchema('a partition column is named twice');
  if (partitionColumns.length === schema.fields.length)
    throw unsupportedSchema('every column is a partition column');
}

/**
 * The schema with new columns at its end. Files written before have no such column: it reads as null there,
 * which is why a new column is always nullable.
 *
 * @throws DeltaError `delta-unsupported-schema` when a name is taken or a column is not nullable.
 */
export function withAddedColumns(
  schema: StructType,
  columns: readonly StructField[],
  partitionColumns: readonly string[],
): StructType {
  const required = columns.find((candidate) => !candidate.nullable);
  if (required !== undefined) throw unsupportedSchema(`the new column ${required.name} is not nullable`);
  const extended: StructType = { type: 'struct', fields: [...schema.fields, ...columns] };
  validateNewSchema(extended, partitionColumns);
  return extended;
}

function validateType(type: DataType, path: string): void {
  if (isPrimitive(type)) {
    if (type !== 'timestamp_ntz') return;
    throw unsupportedSchema(`${path} is timestamp_ntz, which needs protocol (3,7): use timestamp`);
  }
  if (type.type === 'array') return validateType(type.elementType, `${path}.element`);
  if (type.type === 'map') {
    validateType(type.keyType, `${path}.key`);
    return validateType(type.valueType, `${path}.value`);
  }
  validateFields(type.fields, path);
}

function validateFields(fields: readonly StructField[], path: string): void {
  const seen = new Set<string>();
  for (const field of fields) {
    if (field.name === '') throw unsupportedSchema(`${path} has a column without a name`);
    if (/[ ,;{}()\n\t=]/.test(field.name)) {
      throw unsupportedSchema(
        `the name ${JSON.stringify(field.name)} has a character that needs column mapping`,
      );
    }
    const folded = field.name.toLowerCase();
    if (seen.has(folded))
      throw unsupportedSchema(`${path} has two columns named ${folded} regardless of case`);
    seen.add(folded);
    validateType(field.type, `${path}.${field.name}`);
  }
}
