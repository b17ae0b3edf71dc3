import type { Command } from 'commander';
import { action, type CommandLine } from './define-command.ts';
import { positiveCount } from './parse-arguments.ts';

const commands = () => import('../commands/jobs.ts');

/** `jobs`, `runs`. */
export function registerJobCommands(program: Command, line: CommandLine): void {
  const jobs = program
    .command('jobs')
    .description('refresh, maintenance, retention: when they run, and how the last run went');
  const list = jobs.command('list', { isDefault: true }).description('all of them');
  action(list, line, async (context) => (await commands()).listJobs(context));
  const run = jobs
    .command('run')
    .argument('<name>')
    .description('run one now, and wait for it; it waits for whoever writes its tables');
  action(run, line, async (context, [name = '']) => (await commands()).runJob(context, name));

  const runs = program
    .command('runs')
    .description('what the jobs have done, newest first')
    .option('--job <name>', 'only of this job')
    .option('--failed', 'only those that failed')
    .option('--limit <count>', 'how many', positiveCount, 20);
  action(runs, line, async (context) => {
    const { job, failed, limit } = runs.opts<{ job?: string; failed?: boolean; limit: number }>();
    const filter = { limit, ...(job !== undefined && { job }), failed: failed === true };
    return (await commands()).listRuns(context, filter);
  });
}
