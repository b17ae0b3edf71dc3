import { eventFields, type FieldType } from './event-fields.ts';

/** A struct type as the Delta protocol's schema JSON states it. */
export interface DeltaStruct {
  readonly type: 'struct';
  readonly fields: readonly DeltaField[];
}

export interface DeltaField {
  readonly name: string;
  readonly type: string | DeltaStruct;
  readonly nullable: boolean;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** What the schemas of all tables are derived from: an event's fields, or another table's. */
export interface TableField {
  readonly name: string;
  readonly type: FieldType | 'binary';
  readonly description: string;
}

function deltaField(
  name: string,
  type: string | DeltaStruct,
  metadata: DeltaField['metadata'] = {},
): DeltaField {
  // Always nullable: `nullable: false` is an invariant that writers must enforce, and cannot be evolved away.
  return { name, type, nullable: true, metadata };
}

const deltaTypes: Readonly<Record<FieldType | 'binary', string | DeltaStruct>> = {
  string: 'string',
  long: 'long',
  integer: 'integer',
  boolean: 'boolean',
  timestamp: 'timestamp',
  date: 'date',
  point: { type: 'struct', fields: [deltaField('x', 'long'), deltaField('y', 'long')] },
  binary: 'binary',
};

/** The Delta schema of a list of fields; descriptions become column comments. */
export function deltaSchemaOf(fields: readonly TableField[]): DeltaStruct {
  return {
    type: 'struct',
    fields: fields.map(({ name, type, description }) =>
      deltaField(name, deltaTypes[type], { comment: description }),
    ),
  };
}

/** Silver's schema, partitioned by `silverPartitionColumns`. */
export const deltaSchema: DeltaStruct = deltaSchemaOf(eventFields);

/** `schemaString` of Silver's `metaData` action. */
export const deltaSchemaString: string = JSON.stringify(deltaSchema);

export const silverPartitionColumns: readonly string[] = ['event_date'];
