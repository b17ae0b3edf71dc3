import type { RefreshRequest } from '../refresh/plan-refresh.ts';
import type { Refresher, RefreshProgress, RefreshResult } from '../refresh/refresher.ts';
import type { Job, StepReport } from './job.ts';
import type { RunWork } from './orchestrator.ts';
import { goldClaim, refreshJob } from './job-descriptions.ts';

export interface RefreshJobOptions {
  readonly refresher: Pick<Refresher, 'refresh'>;
  /** Whether there are events, or tables made of them before: of none there is nothing to make. */
  readonly hasEvents: () => Promise<boolean>;
  /** Whether Silver has moved since the version that Gold stands for. */
  readonly isBehind: () => Promise<boolean>;
  /** Told of the version of Silver that all of Gold now stands for. */
  readonly onRefreshed: (silverVersion: number) => void;
}

const everything: RefreshRequest = { full: false, models: [] };

/** Gold, after Silver (S7). */
export function createRefreshJob(options: RefreshJobOptions): Job {
  const { refresher, hasEvents, isBehind, onRefreshed } = options;
  return {
    ...refreshJob,
    async plan(asked) {
      if (!(await hasEvents()) || (!asked && !(await isBehind()))) return [];
      return refreshSteps(refresher, everything, undefined, ({ silverVersion }) =>
        onRefreshed(silverVersion),
      );
    },
  };
}

/** A refresh that somebody asks for. @param onResult told of it when it went well. */
export function askedRefresh(
  { refresher, onRefreshed }: RefreshJobOptions,
  request: RefreshRequest,
  onProgress: ((progress: RefreshProgress) => void) | undefined,
  onResult: (result: RefreshResult) => void,
): RunWork {
  const partial = request.models.length > 0;
  return {
    partial,
    plan: () =>
      Promise.resolve(
        refreshSteps(refresher, request, onProgress, (result) => {
          if (!partial) onRefreshed(result.silverVersion);
          onResult(result);
        }),
      ),
  };
}

function refreshSteps(
  refresher: RefreshJobOptions['refresher'],
  request: RefreshRequest,
  onProgress: ((progress: RefreshProgress) => void) | undefined,
  onResult: (result: RefreshResult) => void,
): Awaited<ReturnType<Job['plan']>> {
  return [
    {
      tables: [goldClaim],
      async run(signal) {
        const result = await refresher.refresh(request, onProgress, signal);
        onResult(result);
        return reportOf(result);
      },
    },
  ];
}

function reportOf({ silverVersion, models }: RefreshResult): StepReport {
  const made = models.filter(({ mode }) => mode !== 'nothing');
  const rows = made.reduce((sum, model) => sum + model.rows, 0);
  const dates = new Set(made.flatMap((model) => model.dates)).size;
  const tables = made.length === 1 ? '1 table' : `${made.length} tables`;
  return {
    did:
      made.length === 0
        ? null
        : `${tables}, ${dates} ${dates === 1 ? 'date' : 'dates'}, ${rows} rows, for Silver version ${silverVersion}`,
    facts: { silverVersion, tables: made.length, dates, rows },
  };
}
