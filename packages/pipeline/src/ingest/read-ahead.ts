import type { LogReader } from '@clicklake/event-log';
import { intakeMemory, takeIn, type Intake, type ReadPositions } from './intake.ts';
import type { ParsedIntake } from './parse-intake.ts';

export interface ParsedIntakes {
  /** What stands in the log from there on, parsed; valid until the next call. Its table is the caller's. */
  next(from: ReadPositions): Promise<ParsedIntake>;
  /** Lets go of what was prepared for a next call. Nothing is at work afterwards. */
  drop(): Promise<void>;
}

export interface ParseSteps {
  parse(intake: Intake): Promise<ParsedIntake>;
  /** Forgets what no tick took over. Never rejects. */
  discard(parsed: ParsedIntake): Promise<void>;
}

/**
 * Reads and parses for one tick after the other. While there is more, the next intake is parsed and the one after
 * it read during a tick, so that a catch-up leaves neither DuckDB nor this thread waiting for the other.
 */
export function createParsedIntakes(reader: LogReader, maxBytes: number, steps: ParseSteps): ParsedIntakes {
  /** For the intake in its tick, the one being parsed, the one being read. */
  const memories = [intakeMemory(), intakeMemory(), intakeMemory()] as const;
  let reads = 0;
  const readAhead = createAhead<Intake>(() => Promise.resolve());
  const parsedAhead = createAhead<ParsedIntake>((parsed) => steps.discard(parsed));

  function read(from: ReadPositions): Promise<Intake> {
    const memory = memories[(reads % memories.length) as 0 | 1 | 2];
    reads += 1;
    return takeIn(reader, from, maxBytes, memory);
  }

  async function readAndParse(from: ReadPositions): Promise<ParsedIntake> {
    const intake = (await readAhead.take(from)) ?? (await read(from));
    if (intake.more) readAhead.start(intake.next, read(intake.next));
    return steps.parse(intake);
  }

  return {
    async next(from) {
      const parsed = (await parsedAhead.take(from)) ?? (await readAndParse(from));
      const { more, next } = parsed.intake;
      if (more) parsedAhead.start(next, readAndParse(next));
      return parsed;
    },
    async drop() {
      await parsedAhead.take(undefined);
      await readAhead.take(undefined);
    },
  };
}

interface Ahead<T> {
  start(from: ReadPositions, work: Promise<T>): void;
  /** The work that was started for these positions; other work is waited for and discarded. */
  take(from: ReadPositions | undefined): Promise<T | undefined>;
}

function createAhead<T>(discard: (result: T) => Promise<void>): Ahead<T> {
  let started: { readonly from: ReadPositions; readonly work: Promise<T> } | undefined;
  return {
    start(from, work) {
      // Whoever takes it sees its failure; until then it must not count as unhandled.
      work.catch(() => undefined);
      started = { from, work };
    },
    async take(from) {
      const found = started;
      started = undefined;
      if (found === undefined || found.from === from) return found?.work;
      await found.work.then(discard, () => undefined);
      return undefined;
    },
  };
}
