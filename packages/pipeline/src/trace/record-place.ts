import { topicPartitions, type Topic } from '@clicklake/event-log';
import type { RecordPlace } from './event-trace.ts';

/** One text for one place, to compare by. */
export function placeKey({ topic, partition, offset }: RecordPlace): string {
  return `${topic}:${partition}:${offset}`;
}

/** A place as `replay_of` writes it: `topic:partition:offset` (S8); null for anything else. */
export function parsePlace(text: unknown): RecordPlace | null {
  if (typeof text !== 'string') return null;
  const [, topic = '', partition = '', offset = ''] =
    /^([\w-]{1,100}):(\d{1,5}):(\d{1,15})$/.exec(text) ?? [];
  if (!isTopic(topic)) return null;
  return { topic, partition: Number(partition), offset: Number(offset) };
}

/** The dead letter that a replay without an id of its own is named after: `dl:topic:partition:offset` (S8). */
export function placeOfReplayId(eventId: string): RecordPlace | null {
  return eventId.startsWith('dl:') ? parsePlace(eventId.slice(3)) : null;
}

export function isTopic(topic: string): topic is Topic {
  return Object.hasOwn(topicPartitions, topic);
}
