import type { JobState, Run, RunFilter } from '@clicklake/pipeline';
import type { CommandContext } from '../context.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { readLake, writeLake } from '../lake/with-lake.ts';
import { alignColumns } from '../terminal/columns.ts';

/** Every job: when it runs, what became of its last run, and when the next one is due. */
export async function listJobs(context: CommandContext): Promise<ExitCode> {
  const { terminal, json } = context;
  const jobs = await readLake(context, ({ admin }) => admin.jobs());
  if (json) {
    terminal.json(jobs);
    return exitCodes.ok;
  }
  const header = ['job', 'schedule (UTC)', 'enabled', 'last run', 'outcome', 'next run', 'writes'];
  for (const line of alignColumns(header, jobs.map(jobRow))) terminal.data(line);
  for (const { name, failing } of jobs) {
    if (failing === null) continue;
    terminal.data(
      terminal.style.red(`${name} fails since ${failing.since}: ${failing.error?.message ?? ''}`),
    );
    if (failing.error !== null) terminal.data(`  ${failing.error.hint}`);
  }
  return exitCodes.ok;
}

function jobRow({ name, schedule, enabled, running, lastRun, nextRunAt, tables }: JobState): string[] {
  return [
    name,
    schedule,
    enabled ? 'yes' : 'no',
    lastRun?.startedAt ?? '-',
    running ? 'running' : (lastRun?.outcome ?? '-'),
    nextRunAt ?? (enabled && schedule === 'after-commits' ? 'after a commit' : '-'),
    tables.join(', '),
  ];
}

/** What jobs have done, newest first. */
export async function listRuns(context: CommandContext, filter: RunFilter): Promise<ExitCode> {
  const { terminal, json } = context;
  const runs = await readLake(context, ({ admin }) => admin.runs(filter));
  if (json) terminal.json(runs);
  else if (runs.length === 0) terminal.talk('No run is on record.');
  else {
    const header = ['run', 'job', 'trigger', 'attempt', 'started', 'took', 'outcome', 'what'];
    for (const line of alignColumns(header, runs.map(runRow))) terminal.data(line);
  }
  return exitCodes.ok;
}

function runRow(run: Run): string[] {
  const { id, job, trigger, attempt, startedAt, outcome, did, error, webhook } = run;
  const undelivered = webhook?.outcome === 'failed' ? ` (webhook: ${webhook.error ?? 'failed'})` : '';
  return [
    String(id),
    job,
    trigger,
    String(attempt),
    startedAt,
    durationOf(run),
    outcome,
    `${error?.message ?? did ?? ''}${undelivered}`,
  ];
}

function durationOf({ startedAt, endedAt }: Run): string {
  return endedAt === null ? '-' : `${((Date.parse(endedAt) - Date.parse(startedAt)) / 1000).toFixed(1)} s`;
}

/** Runs a job now: through the owner, or as the owner for this command (S6.3). */
export async function runJob(context: CommandContext, name: string): Promise<ExitCode> {
  const { terminal, json } = context;
  const run = await writeLake(context, `job-${name}`, ({ admin }) => admin.runJob(name));
  if (json) terminal.json(run);
  else terminal.data(`${run.job}: ${run.did ?? 'done'} (run ${run.id}, ${durationOf(run)})`);
  return exitCodes.ok;
}
