import type { CrashPoints } from '@clicklake/durable-files';
import type { Engine, EngineSession, WrittenTable } from '../engine/engine.ts';
import type { ModelProject } from '../models/index.ts';
import { PipelineError } from '../pipeline-error.ts';
import { executePlan, type RefreshedModel } from './execute-plan.ts';
import { defaultRowsPerPiece } from './new-rows.ts';
import { planRefresh, type RefreshRequest } from './plan-refresh.ts';
import { limitsFor, lowered, raised } from './refresh-limits.ts';
import type { RefreshPlan } from './refresh-plan.ts';

export interface RefreshOptions {
  readonly engine: Engine;
  readonly project: ModelProject;
  readonly crashPoints: CrashPoints;
  /** More rows of Silver than this are taken up in pieces, so that each fits the engine's memory. */
  readonly rowsPerPiece?: number;
}

export interface RefreshResult {
  readonly silverVersion: number;
  readonly models: readonly RefreshedModel[];
}

export interface RefreshProgress {
  readonly model: string;
  readonly done: number;
  readonly total: number;
}

export interface Refresher {
  plan(request: RefreshRequest): Promise<RefreshPlan>;
  /** Plans and executes. What a run before has committed is passed over. */
  refresh(
    request: RefreshRequest,
    onProgress?: (progress: RefreshProgress) => void,
    signal?: AbortSignal,
  ): Promise<RefreshResult>;
}

/** Makes Gold from Silver: each model's dates that have changed, in one commit for each model (S7). */
export function createRefresher({
  engine,
  project,
  crashPoints,
  rowsPerPiece = defaultRowsPerPiece,
}: RefreshOptions): Refresher {
  const tables = writtenTables(project);
  const most = limitsFor(rowsPerPiece);
  /** What has just been too much for the memory is not tried again at once. */
  let limits = most;

  async function inSession<Result>(work: (session: EngineSession) => Promise<Result>): Promise<Result> {
    const session = await engine.openSession(tables);
    try {
      return await work(session);
    } finally {
      await session.close();
    }
  }

  return {
    plan: (request) => inSession((session) => planRefresh(session, project, engine.dialect, request, limits)),
    refresh: (request, onProgress = () => undefined, signal) =>
      inSession(async (session) => {
        const made = new Map<string, RefreshedModel>();
        const before = limits;
        for (;;) {
          try {
            const plan = await planRefresh(session, project, engine.dialect, request, limits);
            crashPoints.reach('refresh-planned');
            const total = plan.steps.length;
            const models = await executePlan(
              { session, project, dialect: engine.dialect, crashPoints, limits },
              plan,
              made,
              (model) => {
                signal?.throwIfAborted();
                onProgress({ model, done: made.size, total });
              },
            );
            if (made.size > 0) limits = raised(limits, most);
            return { silverVersion: plan.silverVersion, models };
          } catch (error) {
            const less = isOutOfMemory(error) ? lowered(limits) : undefined;
            // Where nothing helped it was not for the number of rows.
            limits = less ?? before;
            if (less === undefined) throw error;
          }
        }
      }),
  };
}

function isOutOfMemory(error: unknown): boolean {
  return error instanceof PipelineError && error.code === 'refresh-out-of-memory';
}

/** The tables that a project's incremental models make. */
export function writtenTables(project: ModelProject): readonly WrittenTable[] {
  return [...project.models.values()].flatMap(({ name, description, columns, dateColumn }) =>
    dateColumn === null ? [] : [{ name, description, columns, dateColumn }],
  );
}
