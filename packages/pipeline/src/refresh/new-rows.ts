import type { Engine, EngineSession, PinnedTable } from '../engine/engine.ts';
import { coveredOffsets } from '../ingest/transaction-ids.ts';
import { compileQuery, ModelError, type ModelProject, type OffsetRange } from '../models/index.ts';
import type { PlannedStep } from './refresh-plan.ts';
import type { SeenInputs } from './refresh-transactions.ts';
import { targetOf } from './silver-source.ts';

/** What a piece may hold for DuckDB's sorts of it to stay within the memory of a refresh. */
export const defaultRowsPerPiece = 400_000;

/**
 * The rows that Silver has had appended; null when its offsets do not say which: they went back, which a restore
 * does, or stand still although rows changed, which somebody else's commit does.
 */
export function appendedRows(seen: SeenInputs, silver: PinnedTable): readonly OffsetRange[] | null {
  const now = coveredOffsets(silver.transactions, 'clickstream-events');
  if (now.some((to, partition) => to < (seen.offsets[partition] ?? 0n))) return null;
  const ranges = now.flatMap((to, partition) => {
    const from = seen.offsets[partition] ?? 0n;
    return to > from ? [{ partition, from: String(from), to: String(to) }] : [];
  });
  return ranges.length === 0 ? null : ranges;
}

export function countOffsets(ranges: readonly OffsetRange[]): number {
  return ranges.reduce((sum, { from, to }) => sum + Number(BigInt(to) - BigInt(from)), 0);
}

/** How many rows of Silver the ranges name: others may have appended as well, rows that no offset tells of. */
export async function countAppended(
  session: EngineSession,
  project: ModelProject,
  dialect: Engine['dialect'],
  dates: readonly string[],
  ranges: readonly OffsetRange[],
): Promise<number> {
  const vars = { touched_dates: dates, changed_offsets: ranges };
  const sql = compileQuery(project, analysisOf(project, 'appended_rows'), targetOf(dialect, session), vars);
  const [row] = await session.query(sql, dates);
  return Number(row?.appended ?? 0);
}

/** Rows of a step's users can be read once for all models; many of them would outgrow the memory. */
export function readsFewRows(step: Pick<PlannedStep, 'mode' | 'vars'>, mostNewRows: number): boolean {
  const { changed_offsets: offsets } = step.vars;
  return step.mode === 'dates' && Array.isArray(offsets) && countOffsets(offsets) <= mostNewRows;
}

/**
 * Lets the session's views give only the events of users with appended rows, on some dates: read once for all models
 * that are refreshed. Null: all rows again.
 */
export async function narrowViews(
  session: EngineSession,
  project: ModelProject,
  dialect: Engine['dialect'],
  rows: { readonly dates: readonly string[]; readonly offsets: readonly OffsetRange[] } | null,
): Promise<void> {
  for (const { name, narrowedBy } of project.models.values()) {
    if (narrowedBy === null) continue;
    const select =
      rows === null
        ? null
        : compileQuery(project, analysisOf(project, narrowedBy), targetOf(dialect, session), {
            touched_dates: rows.dates,
            session_dates: rows.dates,
            changed_offsets: rows.offsets,
          });
    await session.narrowView(name, select, rows?.dates);
  }
}

/** The dates and rows of all steps that read few rows. */
export function rowsOfAll(
  steps: readonly PlannedStep[],
  mostNewRows: number,
): { readonly dates: readonly string[]; readonly offsets: readonly OffsetRange[] } | null {
  const dates = new Set<string>();
  const ranges = new Map<number, OffsetRange>();
  for (const step of steps.filter((one) => readsFewRows(one, mostNewRows))) {
    for (const date of step.dates) dates.add(date);
    for (const range of step.vars.changed_offsets ?? []) {
      const known = ranges.get(range.partition) ?? range;
      const from = BigInt(range.from) < BigInt(known.from) ? range.from : known.from;
      ranges.set(range.partition, { ...known, from });
    }
  }
  if (ranges.size === 0) return null;
  const offsets = [...ranges.values()].sort((a, b) => a.partition - b.partition);
  return { dates: [...dates].sort(), offsets };
}

export function analysisOf(
  project: ModelProject,
  name: string,
): { readonly path: string; readonly text: string } {
  const template = project.analyses.get(name);
  if (template !== undefined) return template;
  throw new ModelError({
    code: 'model-unknown-reference',
    message: `The project has no analysis ${name}, which a model is refreshed with.`,
    hint: 'Mend widened_by or narrowed_by in the config of the model.',
  });
}
