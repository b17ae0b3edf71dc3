import { Cron } from 'croner';

/** When a job begins by itself. */
export type Schedule =
  | { readonly kind: 'off' }
  /** After commits of new rows to Silver, at the job's own pace. */
  | { readonly kind: 'after-commits' }
  /** Five or six fields (seconds first), in UTC. */
  | { readonly kind: 'cron'; readonly expression: string };

const longestExpression = 200;

/** `off`, `after-commits` or a cron expression; undefined when it is none of them, or never comes about. */
export function parseSchedule(text: string): Schedule | undefined {
  if (text === 'off' || text === 'after-commits') return { kind: text };
  const expression = text.trim();
  if (expression.length > longestExpression || !/\s/.test(expression)) return undefined;
  return nextTime(expression, Date.UTC(2026, 0, 1)) === undefined ? undefined : { kind: 'cron', expression };
}

export function scheduleText(schedule: Schedule): string {
  return schedule.kind === 'cron' ? schedule.expression : schedule.kind;
}

/**
 * The first time after `afterMs` that a cron expression names, in UTC.
 *
 * @returns milliseconds since the epoch; undefined when the expression is none, or names no time to come.
 */
export function nextTime(expression: string, afterMs: number): number | undefined {
  try {
    const cron = new Cron(expression, { timezone: 'UTC', mode: '5-or-6-parts' });
    return cron.nextRun(new Date(afterMs))?.getTime();
  } catch {
    return undefined;
  }
}
