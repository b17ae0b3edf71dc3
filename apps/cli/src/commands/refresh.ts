import type { RefreshPlan, RefreshRequest, RefreshResult } from '@clicklake/pipeline';
import type { CommandContext } from '../context.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { writeLake } from '../lake/with-lake.ts';
import { alignColumns } from '../terminal/columns.ts';

/** Brings Gold up to the newest committed Silver: through the owner, or as the owner for this command (S6.3). */
export async function refreshGold(context: CommandContext, request: RefreshRequest): Promise<ExitCode> {
  const { terminal, json } = context;
  const result = await writeLake(context, 'refresh', ({ admin }) => admin.refresh(request));
  if (json) terminal.json(result);
  else for (const line of describeResult(result)) terminal.data(line);
  return exitCodes.ok;
}

/** What a refresh would do. With `--json` each step names the variables that real dbt needs for the same. */
export async function planGold(context: CommandContext, request: RefreshRequest): Promise<ExitCode> {
  const { terminal, json } = context;
  const plan = await writeLake(context, 'refresh-plan', ({ admin }) => admin.planRefresh(request));
  if (json) terminal.json(plan);
  else for (const line of describePlan(plan)) terminal.data(line);
  return exitCodes.ok;
}

function describePlan({ steps }: RefreshPlan): string[] {
  const rows = steps.map(({ model, mode, dates, reason }) => [model, mode, datesText(dates), reason]);
  return alignColumns(['model', 'mode', 'dates', 'why'], rows);
}

function describeResult({ models }: RefreshResult): string[] {
  const rows = models.map(({ model, mode, dates, rows: count, version, durationMs }) => [
    model,
    mode,
    datesText(dates),
    count,
    version === null ? '' : String(version),
    durationMs,
  ]);
  return alignColumns(['model', 'mode', 'dates', 'rows', 'version', 'ms'], rows);
}

function datesText(dates: readonly string[]): string {
  const [first = '', last = ''] = [dates[0], dates.at(-1)];
  return dates.length <= 1 ? first : `${first} … ${last} (${dates.length})`;
}
