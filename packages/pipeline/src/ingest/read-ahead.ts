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
  /** @param lane below `parseLanes`; calls of one lane never overlap. */
  parse(intake: Intake, lane: number): Promise<ParsedIntake>;
  /** Forgets what no tick took over. Never rejects. */
  discard(parsed: ParsedIntake): Promise<void>;
}

/**
 * Intakes that are parsed at a time. A statement runs in one thread (lake/duckdb.ts), and parsing takes longer
 * than all that follows: with one of them the catch-up would wait for it while a core idles.
 */
export const parseLanes = 2;

/** An intake on its way, behind another: undefined when that one was the last for now. */
interface Ahead {
  readonly read: Promise<Intake | undefined>;
  parsed: Promise<ParsedIntake | undefined> | undefined;
}

/**
 * Reads and parses for one tick after the other. While there is more, the next intakes are parsed and the one
 * after them read during a tick, so that a catch-up leaves neither DuckDB nor this thread waiting for the other.
 */
export function createParsedIntakes(reader: LogReader, maxBytes: number, steps: ParseSteps): ParsedIntakes {
  /** For the intake in its tick, those being parsed, the one being read. */
  const memories = Array.from({ length: parseLanes + 2 }, intakeMemory);
  let reads = 0;
  let parses = 0;
  let ahead: Ahead[] = [];
  /** Where the first of them starts: the very value that its predecessor named. */
  let aheadFrom: ReadPositions | undefined;

  function read(from: ReadPositions): Promise<Intake> {
    const memory = memories[reads % memories.length] ?? intakeMemory();
    reads += 1;
    return takeIn(reader, from, maxBytes, memory);
  }

  function addRead(read: Promise<Intake | undefined>): void {
    read.catch(ignored);
    ahead.push({ read, parsed: undefined });
  }

  function readAfter(before: Promise<Intake | undefined>): Promise<Intake | undefined> {
    return before.then((intake) => (intake?.more === true ? read(intake.next) : undefined));
  }

  /** Starts what may be at work now: a parse in every lane, and a read behind them. */
  function fill(): void {
    while (ahead.length <= parseLanes) {
      const last = ahead.at(-1);
      if (last === undefined) return;
      addRead(readAfter(last.read));
    }
    for (const entry of ahead.slice(0, parseLanes)) {
      if (entry.parsed !== undefined) continue;
      const lane = parses % parseLanes;
      parses += 1;
      entry.parsed = entry.read.then((intake) => intake && steps.parse(intake, lane));
      entry.parsed.catch(ignored);
    }
  }

  async function drop(): Promise<void> {
    const dropped = ahead;
    ahead = [];
    aheadFrom = undefined;
    for (const { read, parsed } of dropped) {
      await parsed?.then((found) => found && steps.discard(found), ignored);
      await read.catch(ignored);
    }
  }

  async function takeFirst(): Promise<ParsedIntake | undefined> {
    fill();
    const parsed = await ahead[0]?.parsed;
    ahead.shift();
    return parsed;
  }

  return {
    async next(from) {
      if (aheadFrom !== from) await drop();
      if (ahead.length === 0) addRead(read(from));
      try {
        const parsed = await takeFirst();
        if (parsed === undefined) throw new Error('An intake that had more was followed by none.');
        aheadFrom = parsed.intake.next;
        if (parsed.intake.more) fill();
        else ahead = [];
        return parsed;
      } catch (error) {
        await drop();
        throw error;
      }
    },
    drop,
  };
}

/** For a promise whose failure is met when its turn comes; until then it must not count as unhandled. */
function ignored(): undefined {
  return undefined;
}
