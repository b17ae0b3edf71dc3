import type { LogReader } from '@clicklake/event-log';
import { intakeMemory, takeIn, type Intake, type ReadPositions } from './intake.ts';

export interface Intakes {
  /** What stands in the log from there on; valid until the next call. */
  next(from: ReadPositions): Promise<Intake>;
}

/**
 * Reads the log for one tick after the other, and while there is more for the tick that will follow: the reading
 * then goes on beside DuckDB's work on the tick before.
 */
export function createIntakes(reader: LogReader, maxBytes: number): Intakes {
  /** One holds the intake being worked on, the other the one being read. */
  let [memory, spare] = [intakeMemory(), intakeMemory()];
  let ahead: { readonly from: ReadPositions; readonly intake: Promise<Intake> } | undefined;

  function readAhead(from: ReadPositions): void {
    const intake = takeIn(reader, from, maxBytes, spare);
    // Whoever asks for it sees its failure; until then it must not count as unhandled.
    intake.catch(() => undefined);
    ahead = { from, intake };
  }

  /** Also when it is not what was asked for: its memory is only free once it is done. */
  async function takeAhead(from: ReadPositions): Promise<Intake | undefined> {
    if (ahead === undefined) return undefined;
    const { from: start, intake } = ahead;
    ahead = undefined;
    if (start === from) {
      [memory, spare] = [spare, memory];
      return intake;
    }
    await intake.catch(() => undefined);
    return undefined;
  }

  return {
    async next(from) {
      const intake = (await takeAhead(from)) ?? (await takeIn(reader, from, maxBytes, memory));
      if (intake.more) readAhead(intake.next);
      return intake;
    },
  };
}
