import type { Engine, EngineSession, PinnedTable } from '../engine/engine.ts';
import type { CompileTarget } from '../models/index.ts';
import { PipelineError } from '../pipeline-error.ts';

/** What models call Silver, as `source.table`. */
export const silverSource = 'clickstream.silver';

/** Silver as the session sees it. @throws PipelineError `refresh-no-silver` */
export function silverOf(session: EngineSession): PinnedTable {
  const silver = session.table('source', silverSource);
  if (silver !== undefined) return silver;
  throw new PipelineError({
    code: 'refresh-no-silver',
    message: 'There is no Silver table to make Gold from yet.',
    hint: 'Send events first: `npm start`, or `clicklake produce` and `clicklake ingest`.',
  });
}

/** An input of a model by its name: Silver, or another model's table. */
export function inputOf(session: EngineSession, name: string): PinnedTable | undefined {
  return session.table(kindOf(name), name);
}

export function kindOf(input: string): 'model' | 'source' {
  return input === silverSource ? 'source' : 'model';
}

/** How a session's relations are written into compiled SQL. */
export function targetOf(dialect: Engine['dialect'], session: EngineSession): CompileTarget {
  return { dialect, relation: session.relation.bind(session) };
}

const dayMs = 86_400_000;

export function dayAfter(date: string, days: number): string {
  return new Date(Date.parse(date) + days * dayMs).toISOString().slice(0, 10);
}

/** Dates of inputs that rows of these dates are made from: a session lasts less than 24 hours. */
export function inputDatesOf(dates: readonly string[]): readonly string[] {
  return [...new Set(dates.flatMap((date) => [dayAfter(date, -1), date]))].sort();
}
