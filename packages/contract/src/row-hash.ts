import { eventFields } from './event-fields.ts';

/** Differ between two runs over the same events, so that no row hash may cover them (S9). */
const runDependent: ReadonlySet<string> = new Set([
  'received_at',
  'processing_timestamp',
  'log_topic',
  'log_partition',
  'log_offset',
]);

/** The columns that Silver's row hash covers, in order (S9); rows are sorted by `event_id`. */
export function rowHashColumns(): string[] {
  return eventFields.map(({ name }) => name).filter((name) => !runDependent.has(name));
}
