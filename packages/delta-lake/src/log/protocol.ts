import type { Metadata, Protocol } from './actions.ts';
import { DeltaError, type DeltaErrorCode } from '../delta-error.ts';
import { isPrimitive, type DataType, type StructType } from '../schema/schema.ts';

/** What we write: the oldest protocol that has `delta.appendOnly`, so that every engine can read and write. */
export const writtenProtocol: Protocol = { minReaderVersion: 1, minWriterVersion: 2 };

/** Reader features that only concern types or clean-up, which we handle. */
const readableFeatures = new Set(['timestampNtz', 'vacuumProtocolCheck', 'columnMapping']);

/** What each writer version brought, to name what is missing (PROTOCOL, "Requirements for Writers"). */
const writerVersionFeatures: Readonly<Record<number, string>> = {
  3: 'checkConstraints',
  4: 'changeDataFeed and generatedColumns',
  5: 'columnMapping',
  6: 'identityColumns',
};

/** @throws DeltaError `delta-unsupported-reader` naming version and features. */
export function requireReadable(protocol: Protocol, metadata: Metadata): void {
  const missing: string[] = [];
  if (protocol.minReaderVersion > 3) missing.push(`reader version ${protocol.minReaderVersion}`);
  if (protocol.minReaderVersion === 3) {
    missing.push(...(protocol.readerFeatures ?? []).filter((feature) => !readableFeatures.has(feature)));
  }
  const mapping = metadata.configuration['delta.columnMapping.mode'];
  if (protocol.minReaderVersion >= 2 && mapping !== undefined && mapping !== 'none')
    missing.push(`columnMapping (${mapping})`);
  refuse('delta-unsupported-reader', 'read', missing);
}

/** @throws DeltaError `delta-unsupported-writer` naming version and features. */
export function requireWritable(protocol: Protocol, metadata: Metadata, schema: StructType): void {
  const missing: string[] = [];
  const version = protocol.minWriterVersion;
  if (version === 7)
    missing.push(
      ...(protocol.writerFeatures ?? []),
      ...(protocol.writerFeatures?.length ? [] : ['writer version 7']),
    );
  else if (version > 7) missing.push(`writer version ${version}`);
  else if (version > 2) {
    for (let step = 3; step <= version; step += 1)
      missing.push(writerVersionFeatures[step] ?? `writer version ${step}`);
  }
  if (protocol.minReaderVersion > 1 && missing.length === 0)
    missing.push(`reader version ${protocol.minReaderVersion}`);
  missing.push(...invariantsOf(schema).map((path) => `delta.invariants on ${path}`));
  missing.push(
    ...Object.keys(metadata.configuration)
      .filter((key) => key.startsWith('delta.constraints.'))
      .map((key) => `checkConstraints (${key})`),
  );
  refuse('delta-unsupported-writer', 'write', missing);
}

/** Columns that carry a row-level condition: we do not evaluate it, so we must not write. */
function invariantsOf(type: DataType, path = ''): string[] {
  if (isPrimitive(type)) return [];
  if (type.type === 'array') return invariantsOf(type.elementType, `${path}.element`);
  if (type.type === 'map')
    return [...invariantsOf(type.keyType, `${path}.key`), ...invariantsOf(type.valueType, `${path}.value`)];
  return type.fields.flatMap((field) => {
    const name = path === '' ? field.name : `${path}.${field.name}`;
    return [...('delta.invariants' in field.metadata ? [name] : []), ...invariantsOf(field.type, name)];
  });
}

function refuse(code: DeltaErrorCode, verb: string, missing: readonly string[]): void {
  if (missing.length === 0) return;
  throw new DeltaError({
    code,
    message: `We cannot ${verb} this table: it needs ${missing.join(', ')}.`,
    hint: `Use an engine that knows ${missing.length === 1 ? 'it' : 'them'} (Spark, delta-rs), or drop the feature from the table there.`,
    details: { missing },
  });
}
