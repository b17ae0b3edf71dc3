import { eventFields, type EventField } from './event-fields.ts';
import { rejectionReasons } from './rejection.ts';

function bounds({ values, minBytes, maxBytes, min, max }: EventField): string {
  if (values !== undefined) return values.map((value) => `\`${value}\``).join(', ');
  if (maxBytes !== undefined)
    return `${minBytes === undefined ? 'at most' : `${minBytes} to`} ${maxBytes} bytes`;
  if (min !== undefined && max !== undefined) return `${min} to ${max}`;
  return '';
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** Silver's columns as a Markdown table. */
export function eventDocsTable(): string {
  return table(
    ['field', 'type', 'set by', 'required', 'bounds', 'unit', 'description', 'since'],
    eventFields.map((field) => [
      `\`${field.name}\``,
      field.type,
      field.owner,
      field.required ? 'yes' : '',
      bounds(field),
      field.unit ?? '',
      field.description,
      String(field.since),
    ]),
  );
}

/** Every rejection reason as a Markdown table. */
export function rejectionDocsTable(): string {
  return table(
    ['reason', 'meaning'],
    Object.entries(rejectionReasons).map(([reason, meaning]) => [`\`${reason}\``, meaning]),
  );
}
