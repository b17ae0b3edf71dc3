import type { EngineSession, QueryRow } from '../engine/engine.ts';
import {
  compileQuery,
  type Bucket,
  type CompileTarget,
  type ModelProject,
  type RunVariables,
} from '../models/index.ts';
import { analysisOf } from './new-rows.ts';
import { dayAfter, silverOf } from './silver-source.ts';

/**
 * The dates that the changed stretches of activity span (S7.3): looks at the touched dates, and takes in a day before
 * or after wherever a stretch may go on there, until none does.
 *
 * @param analysis name of the query that says how far stretches reach within given dates.
 * @param beforeLook told of the dates that are looked at next.
 * @param bucketsFor the users of some dates, in buckets that fit the memory; null: all at once.
 */
export async function widenDates(
  session: EngineSession,
  project: ModelProject,
  analysis: string,
  target: CompileTarget,
  vars: RunVariables,
  beforeLook: (dates: readonly string[]) => Promise<void>,
  bucketsFor: (dates: readonly string[]) => readonly (Bucket | null)[],
): Promise<readonly string[]> {
  const template = analysisOf(project, analysis);
  const touched = vars.touched_dates ?? [];
  // No stretch goes on where there are no events: before midnight the next day would be looked at again and again.
  const { rowsByDate } = silverOf(session);
  // Rows that were removed may have held together what now lies on the days around.
  const looked = new Set(vars.changed_offsets === null ? touched.flatMap(withNeighbours) : touched);
  for (;;) {
    const dates = [...looked].sort();
    await beforeLook(dates);
    const reach: QueryRow[] = [];
    for (const bucket of bucketsFor(dates)) {
      const looking = { ...vars, session_dates: dates, ...(bucket === null ? {} : { bucket }) };
      reach.push(...(await session.query(compileQuery(project, template, target, looking), dates)));
    }
    const spanned = new Set(touched);
    const before = looked.size;
    for (const row of reach) {
      const [first, last] = [String(row.first_date), String(row.last_date)];
      for (let date = first; date <= last; date = dayAfter(date, 1)) spanned.add(date);
      const [dayBefore, nextDay] = [dayAfter(first, -1), dayAfter(last, 1)];
      if (Number(row.may_start_before) === 1 && rowsByDate.has(dayBefore)) looked.add(dayBefore);
      if (Number(row.may_end_after) === 1 && rowsByDate.has(nextDay)) looked.add(nextDay);
    }
    if (looked.size === before) return [...spanned].sort();
  }
}

function withNeighbours(date: string): readonly string[] {
  return [dayAfter(date, -1), date, dayAfter(date, 1)];
}
