import { eventFields, type EventField } from './event-fields.ts';

type Schema = Readonly<Record<string, unknown>>;

/** The grammar of `timestamp.ts`, as far as a regular expression states it. */
export const timestampPattern =
  '^\\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])[Tt ]([01]\\d|2[0-3]):[0-5]\\d' +
  '(:[0-5]\\d(\\.\\d{1,9})?)?([Zz]|[+-]([01]\\d|2[0-3])(:?[0-5]\\d)?)?$';

function typeSchema(field: EventField): Schema {
  switch (field.type) {
    case 'string':
      return stringSchema(field);
    case 'timestamp':
      return { type: 'string', pattern: timestampPattern };
    case 'point': {
      const axis = { type: 'integer', minimum: field.min, maximum: field.max };
      return { type: 'object', properties: { x: axis, y: axis }, required: ['x', 'y'] };
    }
    case 'boolean':
      return { type: 'boolean' };
    case 'date':
      return { type: 'string', format: 'date' };
    default:
      return { type: 'integer', minimum: field.min, maximum: field.max };
  }
}

function stringSchema({ name, values, minBytes, maxBytes }: EventField): Schema {
  if (name === 'properties') return { type: 'object' };
  if (values !== undefined) return { enum: values };
  return {
    type: 'string',
    ...(minBytes === undefined ? {} : { minLength: minBytes }),
    // Characters here, bytes in the contract: JSON Schema can't count bytes, so this bound is the looser one.
    ...(maxBytes === undefined ? {} : { maxLength: maxBytes }),
  };
}

function memberSchema(field: EventField): Schema {
  const { name, description, unit } = field;
  const schema = typeSchema(field);
  const comment = { description: unit === undefined ? description : `${description} In ${unit}.` };
  if (name === 'event_type') return { ...comment, ...schema };
  return { ...comment, anyOf: [schema, { type: 'null' }] };
}

const present = (name: string): Schema => ({
  required: [name],
  properties: { [name]: { not: { type: 'null' } } },
});

/**
 * JSON Schema 2020-12 of a ClickEvent. What it refuses, the contract refuses; the contract also refuses what
 * a JSON Schema can't state: days that don't exist, times out of range, byte lengths, size and nesting.
 */
export const jsonSchema: Schema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  $id: 'urn:clicklake:event:1',
  title: 'ClickEvent',
  description: 'A behaviour event as a client sends it. Fields not listed here are kept in `properties`.',
  type: 'object',
  properties: Object.fromEntries(
    eventFields.filter(({ owner }) => owner === 'client').map((field) => [field.name, memberSchema(field)]),
  ),
  required: ['event_type'],
  allOf: [
    { anyOf: [present('user_id'), present('anonymous_id')] },
    {
      if: { required: ['event_type'], properties: { event_type: { const: 'custom' } } },
      then: present('event_name'),
    },
  ],
};
