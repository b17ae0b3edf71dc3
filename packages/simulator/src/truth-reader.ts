import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { SimulatorError } from './simulator-error.ts';
import type { TruthLine } from './truth.ts';

const kinds: ReadonlySet<unknown> = new Set(['event', 'duplicate', 'malformed', 'summary']);

/**
 * The lines of a truth file, the summary last; one at a time, since a file may hold millions.
 * @throws SimulatorError `simulator-truth-unreadable` at a line that is none of ours, or when the summary is
 *   missing: the run that wrote it did not end. The lines before it have been given by then.
 */
export async function* readTruth(path: string): AsyncGenerator<TruthLine, void, undefined> {
  const lines = createInterface({ input: createReadStream(path), crlfDelay: Infinity });
  let number = 0;
  let complete = false;
  for await (const text of lines) {
    number += 1;
    const line = parseLine(text);
    if (line === null || complete) {
      throw unreadable(path, `line ${number} is not a line of a truth file`);
    }
    complete = line.kind === 'summary';
    yield line;
  }
  if (!complete) throw unreadable(path, `it ends after ${number} lines without a summary`);
}

function parseLine(text: string): TruthLine | null {
  try {
    const value: unknown = JSON.parse(text);
    const isLine = typeof value === 'object' && value !== null && 'kind' in value && kinds.has(value.kind);
    return isLine ? (value as TruthLine) : null;
  } catch {
    return null;
  }
}

function unreadable(path: string, what: string): SimulatorError {
  return new SimulatorError({
    code: 'simulator-truth-unreadable',
    message: `Cannot read the truth file ${path}: ${what}.`,
    hint: 'Produce it again with `clicklake produce --truth FILE`, and let the run end.',
    details: { path },
  });
}
