import type { EngineSession, PinnedTable } from '../engine/engine.ts';
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
