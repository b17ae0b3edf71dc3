import type { DeadLetterPlace } from '@clicklake/pipeline';

/** `topic/partition/offset`; undefined when it is none. */
export function parsePlace(text: string): DeadLetterPlace | undefined {
  const [, topic = '', partition, offset] = /^([\w-]{1,100})\/(\d{1,9})\/(\d{1,15})$/.exec(text) ?? [];
  return partition === undefined
    ? undefined
    : { topic, partition: Number(partition), offset: Number(offset) };
}
