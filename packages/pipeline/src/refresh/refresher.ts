import type { CrashPoints } from '@clicklake/durable-files';
import type { Engine, EngineSession, WrittenTable } from '../engine/engine.ts';
import type { ModelProject } from '../models/index.ts';
import { PipelineError } from '../pipeline-error.ts';
import { executePlan, type RefreshedModel } from './execute-plan.ts';
import { defaultRowsPerPiece } from './new-rows.ts';
import { planRefresh, type RefreshRequest } from './plan-refresh.ts';
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

/** What needs more memory in pieces of so few rows does not become smaller with them. */
const fewestRowsPerPiece = 10_000;

/** Makes Gold from Silver: each model's dates that have changed, in one commit for each model (S7). */
export function createRefresher({
  engine,
  project,
  crashPoints,
  rowsPerPiece = defaultRowsPerPiece,
}: RefreshOptions): Refresher {
  const tables = writtenTables(project);
  /** What has once been too many rows for the memory is not tried again. */
  let rowsAtOnce = rowsPerPiece;

  async function inSession<Result>(work: (session: EngineSession) => Promise<Result>): Promise<Result> {
    const session = await engine.openSession(tables);
    try {
      return await work(session);
    } finally {
      await session.close();
    }
  }

  return {
    plan: (request) =>
      inSession((session) => planRefresh(session, project, engine.dialect, request, rowsAtOnce)),
    refresh: (request, onProgress = () => undefined, signal) =>
      inSession(async (session) => {
        const made = new Map<string, RefreshedModel>();
        for (;;) {
          try {
            const plan = await planRefresh(session, project, engine.dialect, request, rowsAtOnce);
            crashPoints.reach('refresh-planned');
            const total = plan.steps.length;
            const models = await executePlan(
              { session, project, dialect: engine.dialect, crashPoints, rowsPerPiece: rowsAtOnce },
              plan,
              made,
              (model) => {
                signal?.throwIfAborted();
                onProgress({ model, done: made.size, total });
              },
            );
            return { silverVersion: plan.silverVersion, models };
          } catch (error) {
            if (!isOutOfMemory(error) || rowsAtOnce <= fewestRowsPerPiece) throw error;
            rowsAtOnce = Math.max(fewestRowsPerPiece, Math.floor(rowsAtOnce / 4));
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
