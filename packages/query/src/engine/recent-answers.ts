import type { ReadRows } from '../result/read-rows.ts';
import type { JudgedStatement } from '../sandbox/statement.ts';
import { samePlan, type ViewPlan } from './pinned-views.ts';

const maxStatements = 64;
const maxAnswerBytes = 64 * 1024;

/**
 * The statements asked last, with their verdict and, when small, their answer. A dashboard asks the
 * same many times between two tail epochs; then nothing has to be parsed, planned or read again.
 */
export interface RecentAnswers {
  judged(sql: string): JudgedStatement | undefined;
  /** The answer to `sql` at `maxRows` if it was given for the same pinned rows. */
  answer(sql: string, maxRows: number, plan: ViewPlan): ReadRows | undefined;
  /** Gives back `statement`. */
  keepVerdict(sql: string, statement: JudgedStatement): JudgedStatement;
  keepAnswer(sql: string, maxRows: number, plan: ViewPlan, answer: ReadRows): void;
}

interface Entry {
  readonly statement: JudgedStatement;
  answer?: { readonly maxRows: number; readonly plan: ViewPlan; readonly rows: ReadRows };
}

export function openRecentAnswers(): RecentAnswers {
  // In the order of use, oldest first.
  const entries = new Map<string, Entry>();
  return {
    judged(sql) {
      const entry = entries.get(sql);
      if (entry === undefined) return undefined;
      entries.delete(sql);
      entries.set(sql, entry);
      return entry.statement;
    },
    answer(sql, maxRows, plan) {
      const kept = entries.get(sql)?.answer;
      return kept?.maxRows === maxRows && samePlan(kept.plan, plan) ? kept.rows : undefined;
    },
    keepVerdict(sql, statement) {
      entries.set(sql, { statement });
      const [oldest] = entries.keys();
      if (entries.size > maxStatements && oldest !== undefined) entries.delete(oldest);
      return statement;
    },
    keepAnswer(sql, maxRows, plan, rows) {
      const entry = entries.get(sql);
      if (entry?.statement.isRepeatable === true && rows.bytes <= maxAnswerBytes) {
        entry.answer = { maxRows, plan, rows };
      }
    },
  };
}
