import type { DuckDBConnection } from '@duckdb/node-api';
import { DeltaError } from '../delta-error.ts';
import { textOf } from './duckdb-rows.ts';
import { duckdbTypeOf, isLosslessCast } from '../schema/duckdb-types.ts';
import { partitionTextSql } from './partition-values.ts';
import type { StructType } from '../schema/schema.ts';
import { quoteIdentifier } from './sql-text.ts';

interface OfferedColumn {
  readonly name: string;
  readonly type: string;
}

/**
 * Checks a SELECT against the table's schema and returns the SELECT list that casts it: every column of the
 * schema in its order, absent ones as null, partition columns as their partition value's text.
 *
 * @throws DeltaError `delta-schema-mismatch` naming unknown columns and types that would lose something.
 */
export async function conformingSelectList(
  connection: DuckDBConnection,
  select: string,
  schema: StructType,
  partitionColumns: readonly string[],
): Promise<string> {
  const { offered, wanted } = await describe(connection, select, schema);
  const problems = [...unknownColumns(offered, schema), ...unfitTypes(offered, wanted)];
  if (problems.length > 0) throw schemaMismatch(problems);

  const byName = new Map(offered.map((column) => [column.name.toLowerCase(), column]));
  return schema.fields
    .map((field) => {
      const identifier = quoteIdentifier(field.name);
      const type = duckdbTypeOf(field.type);
      if (!byName.has(field.name.toLowerCase()))
        return `CAST(NULL AS ${partitionColumns.includes(field.name) ? 'VARCHAR' : type}) AS ${identifier}`;
      if (partitionColumns.includes(field.name))
        return `${partitionTextSql(field.name, field.type)} AS ${identifier}`;
      return `CAST(${identifier} AS ${type}) AS ${identifier}`;
    })
    .join(', ');
}

function unknownColumns(offered: readonly OfferedColumn[], schema: StructType): string[] {
  const known = new Set(schema.fields.map((field) => field.name.toLowerCase()));
  return offered
    .filter((column) => !known.has(column.name.toLowerCase()))
    .map((column) => `${column.name} (${column.type}) is not in the table`);
}

function unfitTypes(offered: readonly OfferedColumn[], wanted: readonly OfferedColumn[]): string[] {
  const wantedByName = new Map(wanted.map((column) => [column.name.toLowerCase(), column.type]));
  return offered.flatMap(({ name, type }) => {
    const target = wantedByName.get(name.toLowerCase());
    if (target === undefined || isLosslessCast(type, target)) return [];
    return [`${name} is ${type}, the table has ${target}`];
  });
}

/** What the SELECT offers, and the schema's types as DuckDB itself prints them. */
async function describe(
  connection: DuckDBConnection,
  select: string,
  schema: StructType,
): Promise<{ readonly offered: readonly OfferedColumn[]; readonly wanted: readonly OfferedColumn[] }> {
  const columns = schema.fields.map(({ type }) => `CAST(NULL AS ${duckdbTypeOf(type)})`);
  const reader = await connection.runAndReadAll(
    `DESCRIBE SELECT ${[...columns, 'offered.*'].join(', ')} FROM (${select}) AS offered`,
  );
  const described = reader.getRowsJson().map(([name, type]) => ({ name: textOf(name), type: textOf(type) }));
  return {
    wanted: schema.fields.map(({ name }, index) => ({ name, type: described[index]?.type ?? '' })),
    offered: described.slice(schema.fields.length),
  };
}

function schemaMismatch(problems: readonly string[]): DeltaError {
  return new DeltaError({
    code: 'delta-schema-mismatch',
    message: `The rows do not fit the table: ${problems.join('; ')}.`,
    hint: 'Cast the columns in the query (sums of integers are HUGEINT: cast them to BIGINT), or add new columns with addColumns first.',
    details: { problems },
  });
}
