import { DeltaError } from '../delta-error.ts';

/** The schema as `metaData.schemaString` holds it (Delta PROTOCOL, "Schema Serialization Format"). */
export interface StructType {
  readonly type: 'struct';
  readonly fields: readonly StructField[];
}

export interface StructField {
  readonly name: string;
  readonly type: DataType;
  readonly nullable: boolean;
  readonly metadata: Readonly<Record<string, unknown>>;
}

export interface ArrayType {
  readonly type: 'array';
  readonly elementType: DataType;
  readonly containsNull: boolean;
}

export interface MapType {
  readonly type: 'map';
  readonly keyType: DataType;
  readonly valueType: DataType;
  readonly valueContainsNull: boolean;
}

const namedPrimitives = [
  'string',
  'long',
  'integer',
  'short',
  'byte',
  'float',
  'double',
  'boolean',
  'binary',
  'date',
  'timestamp',
  'timestamp_ntz',
] as const;

export type PrimitiveType = (typeof namedPrimitives)[number] | `decimal(${number},${number})`;
export type DataType = PrimitiveType | StructType | ArrayType | MapType;

/** A nullable column: what most schemas are made of. */
export function column(
  name: string,
  type: DataType,
  metadata: Readonly<Record<string, unknown>> = {},
): StructField {
  return { name, type, nullable: true, metadata };
}

export function structOf(...fields: readonly StructField[]): StructType {
  return { type: 'struct', fields };
}

export function isPrimitive(type: DataType): type is PrimitiveType {
  return typeof type === 'string';
}

/** @throws DeltaError `delta-unsupported-schema` naming the first thing that we do not know. */
export function parseSchema(schemaString: string): StructType {
  let json: unknown;
  try {
    json = JSON.parse(schemaString);
  } catch (cause) {
    throw unsupportedSchema('schemaString is not JSON', cause);
  }
  const schema = parseType(json, 'schema');
  if (isPrimitive(schema) || schema.type !== 'struct')
    throw unsupportedSchema('schemaString is not a struct');
  return schema;
}

export function serializeSchema(schema: StructType): string {
  return JSON.stringify(schema);
}

/** Precision and scale of `decimal(p,s)`; undefined for every other type. */
export function decimalOf(type: string): { readonly precision: number; readonly scale: number } | undefined {
  const match = /^decimal\(\s*(\d+)\s*,\s*(\d+)\s*\)$/.exec(type);
  return match === null ? undefined : { precision: Number(match[1]), scale: Number(match[2]) };
}

function parseType(json: unknown, path: string): DataType {
  if (typeof json === 'string') return parsePrimitive(json, path);
  const object = asObject(json, path);
  switch (object.type) {
    case 'struct':
      return parseStruct(object, path);
    case 'array':
      return {
        type: 'array',
        elementType: parseType(object.elementType, `${path}.element`),
        containsNull: object.containsNull !== false,
      };
    case 'map':
      return {
        type: 'map',
        keyType: parseType(object.keyType, `${path}.key`),
        valueType: parseType(object.valueType, `${path}.value`),
        valueContainsNull: object.valueContainsNull !== false,
      };
    default:
      throw unsupportedSchema(`${path} has the type ${JSON.stringify(object.type)}`);
  }
}

function parseStruct(object: Readonly<Record<string, unknown>>, path: string): StructType {
  if (!Array.isArray(object.fields)) throw unsupportedSchema(`${path} is a struct without fields`);
  const fields = object.fields.map((entry: unknown): StructField => {
    const field = asObject(entry, path);
    if (typeof field.name !== 'string') throw unsupportedSchema(`${path} has a field without a name`);
    return {
      name: field.name,
      type: parseType(field.type, `${path}.${field.name}`),
      nullable: field.nullable !== false,
      metadata: field.metadata === undefined || field.metadata === null ? {} : asObject(field.metadata, path),
    };
  });
  return { type: 'struct', fields };
}

function parsePrimitive(name: string, path: string): PrimitiveType {
  const known = namedPrimitives.find((type) => type === name);
  if (known !== undefined) return known;
  if (name === 'decimal') return 'decimal(10,0)';
  const decimal = decimalOf(name);
  if (decimal !== undefined && decimal.precision <= 38 && decimal.scale <= decimal.precision) {
    return `decimal(${decimal.precision},${decimal.scale})`;
  }
  throw unsupportedSchema(`${path} has the type ${name}`);
}

function asObject(json: unknown, path: string): Readonly<Record<string, unknown>> {
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw unsupportedSchema(`${path} is not an object`);
  return json as Readonly<Record<string, unknown>>;
}

export function unsupportedSchema(what: string, cause?: unknown): DeltaError {
  return new DeltaError({
    code: 'delta-unsupported-schema',
    message: `Unsupported Delta schema: ${what}.`,
    hint: 'Use the types and names of Delta protocol (1,2), or another engine for this table.',
    cause,
  });
}
