import type { LogReader, Topic } from '@clicklake/event-log';
import { escapeControls } from '@clicklake/query';
import type { CommandContext } from '../context.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';

export interface TailOptions {
  /** How many of the newest events to start with. */
  readonly last: number;
  /** End after these instead of waiting for more. */
  readonly follow: boolean;
  /** Show what the collector rejected, too. */
  readonly errors: boolean;
}

const fetchBytes = 1 << 20;

interface TailedPartition {
  readonly topic: Topic;
  readonly partition: number;
  next: bigint;
}

interface TailedRecord {
  readonly topic: Topic;
  readonly partition: number;
  readonly offset: bigint;
  readonly timestamp: number;
  readonly value: Uint8Array;
}

/** New events as they become durable, straight from the log. Ctrl-C ends. */
export async function tail(
  context: CommandContext,
  { last, follow, errors }: TailOptions,
): Promise<ExitCode> {
  const { openReadOnlyLog } = await import('../lake/open-lake.ts');
  const reader = await openReadOnlyLog(context);
  const end = new AbortController();
  const stopListening = context.effects.signals.onStop(() => end.abort());
  try {
    const partitions = await startAt(reader, last, errors);
    print(context, (await readAll(reader, partitions)).slice(-last || Infinity));
    while (follow && !end.signal.aborted) {
      await reader.waitForAppend(end.signal);
      print(context, await readAll(reader, partitions));
    }
    return exitCodes.ok;
  } finally {
    stopListening();
    await reader.close();
  }
}

/** Early enough in each partition that the newest of all of them are among what is read. */
async function startAt(reader: LogReader, last: number, errors: boolean): Promise<TailedPartition[]> {
  const states = await reader.describe();
  return states
    .filter(({ topic }) => errors || topic === 'clickstream-events')
    .map(({ topic, partition, startOffset, endOffset }) => {
      const back = endOffset - BigInt(last);
      return { topic, partition, next: back > startOffset ? back : startOffset };
    });
}

/** To the end that the log has now. */
async function readAll(reader: LogReader, partitions: readonly TailedPartition[]): Promise<TailedRecord[]> {
  const records: TailedRecord[] = [];
  const states = await reader.describe();
  for (const tailed of partitions) {
    const { topic, partition } = tailed;
    const state = states.find((known) => known.topic === topic && known.partition === partition);
    while (tailed.next < (state?.endOffset ?? 0n)) {
      const batches = await reader.fetch(topic, partition, tailed.next, fetchBytes);
      for (const batch of batches)
        for (const { offset, timestamp, value } of batch.records())
          records.push({ topic, partition, offset, timestamp, value });
      const last = batches.at(-1);
      if (last === undefined) break;
      tailed.next = last.nextOffset;
    }
  }
  return records.sort((a, b) => a.timestamp - b.timestamp);
}

function print({ terminal, json }: CommandContext, records: readonly TailedRecord[]): void {
  for (const record of records) {
    if (json) terminal.json(jsonOf(record));
    else terminal.data(lineOf(record, terminal.style));
  }
}

function jsonOf({ topic, partition, offset, value }: TailedRecord): unknown {
  const event = topic === 'clickstream-events' ? parsed(value) : undefined;
  return event === undefined
    ? { topic, partition, offset, raw: Buffer.from(value).toString('utf8') }
    : { topic, partition, offset, event };
}

/** Undefined for what is no JSON object: another producer may write anything. */
function parsed(value: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  try {
    const event: unknown = JSON.parse(Buffer.from(value).toString('utf8'));
    return typeof event === 'object' && event !== null ? (event as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function lineOf(
  { topic, partition, offset, timestamp, value }: TailedRecord,
  style: CommandContext['terminal']['style'],
): string {
  const time = style.dim(new Date(timestamp).toISOString().slice(11, 23));
  const place = style.dim(`${partition}/${offset}`.padEnd(10));
  const text = Buffer.from(value).toString('utf8');
  if (topic === 'clickstream-errors')
    return `${time} ${place} ${style.red('rejected'.padEnd(13))} ${escapeControls(text.slice(0, 120))}`;
  const event = parsed(value);
  if (event === undefined)
    return `${time} ${place} ${'no event'.padEnd(13)} ${escapeControls(text.slice(0, 120))}`;
  const shown = (name: string): string =>
    typeof event[name] === 'string' ? escapeControls(event[name]) : '';
  const who = shown('user_id') || shown('anonymous_id');
  const what = shown('product_id') || shown('event_name') || shown('page_url');
  return `${time} ${place} ${colourOf(shown('event_type'), style)} ${who.padEnd(20).slice(0, 36)} ${what}`;
}

function colourOf(eventType: string, style: CommandContext['terminal']['style']): string {
  const text = eventType.padEnd(13);
  if (eventType === 'purchase') return style.green(text);
  if (eventType === 'checkout' || eventType === 'add_to_cart') return style.yellow(text);
  return eventType === 'product_view' ? style.cyan(text) : text;
}
