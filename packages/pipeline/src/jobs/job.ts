import type { RunFacts } from './run.ts';

/** Something that is done to the lake again and again. */
export interface Job {
  readonly name: string;
  readonly description: string;
  /** Every table that a step of it may write. */
  readonly tables: readonly string[];
  /**
   * What there is to do now; nothing makes no run.
   *
   * @param asked somebody asked for it: what is only done now and then is done now.
   */
  plan(asked: boolean): Promise<readonly JobStep[]>;
}

/** A part of a run that holds its tables while it is at work; the next step may have to wait for others. */
export interface JobStep {
  readonly tables: readonly string[];
  /** @param signal the process stops: end as soon as it can be done cleanly, with the signal's reason. */
  run(signal: AbortSignal): Promise<StepReport>;
}

export interface StepReport {
  /** What was done, for people; null for nothing. */
  readonly did: string | null;
  readonly facts?: RunFacts;
}
