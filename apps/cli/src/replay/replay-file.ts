import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { parseEventJson } from '@clicklake/contract';
import type { DeadLetterPlace, DeadLetterRow, ReplacedEvent } from '@clicklake/pipeline';
import { CliError } from '../cli-error.ts';
import { parsePlace } from './place.ts';

/**
 * The line of a dead letter in a file to edit: its place, what is wrong with it, and the event, or the bytes where they
 * are no JSON object.
 */
export function exportedLine(row: DeadLetterRow): string {
  const { topic, partition, offset, received_at, reason, field, message } = row;
  const told = { place: `${topic}/${partition}/${offset}`, received_at, reason, field, message };
  return JSON.stringify({ ...told, ...contentOf(row) });
}

function contentOf({ raw, rawEncoding }: DeadLetterRow): object {
  if (rawEncoding === 'base64') return { raw_base64: raw };
  try {
    const event = parseEventJson(raw);
    return typeof event === 'object' && event !== null && !Array.isArray(event) ? { event } : { raw };
  } catch {
    return { raw };
  }
}

/** Bytes of a line at most: four times what an event may have. */
const maxLineBytes = 1_048_576;

/**
 * The events of such a file, one line after another; empty lines are passed over.
 *
 * @throws CliError `cli-file-invalid` naming the line
 */
export async function* readReplayFile(path: string): AsyncGenerator<ReplacedEvent> {
  const file = createReadStream(path, 'utf8');
  let number = 0;
  try {
    for await (const line of createInterface({ input: file, crlfDelay: Infinity })) {
      number += 1;
      if (line.trim() !== '') yield parseLine(line, (why) => invalid(path, number, why));
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'EISDIR'))
      throw invalid(path, 0, 'there is no such file');
    throw error;
  } finally {
    file.destroy();
  }
}

function parseLine(line: string, invalidLine: (why: string) => CliError): ReplacedEvent {
  if (Buffer.byteLength(line) > maxLineBytes) throw invalidLine(`it has more than ${maxLineBytes} bytes`);
  let told: unknown;
  try {
    told = parseEventJson(line);
  } catch {
    throw invalidLine('it is not JSON');
  }
  if (typeof told !== 'object' || told === null) throw invalidLine('it is no JSON object');
  const { place, event, raw } = told as Readonly<Record<string, unknown>>;
  const parsed: DeadLetterPlace | undefined = typeof place === 'string' ? parsePlace(place) : undefined;
  if (parsed === undefined) throw invalidLine('it has no "place" as topic/partition/offset');
  // Raw numbers (beyond 2^53) are written as they were read.
  if (event !== undefined) return { place: parsed, event: JSON.stringify(event) };
  if (typeof raw === 'string') return { place: parsed, event: raw };
  throw invalidLine('it has neither "event" nor "raw"');
}

function invalid(path: string, line: number, why: string): CliError {
  return new CliError({
    code: 'cli-file-invalid',
    message:
      line === 0 ? `${path} cannot be read: ${why}.` : `Line ${line} of ${path} is not understood: ${why}.`,
    hint: '`clicklake dead-letters export --file fixed.ndjson` writes such a file. Lines before this one may have been replayed; repeating it is safe.',
    details: { path, line },
  });
}
