import { nodeFileSystem, readLockOwner } from '@clicklake/durable-files';
import type { JobsStatus, JobState } from '@clicklake/pipeline';
import { formatSize } from '../config/units.ts';
import type { CommandContext } from '../context.ts';
import { CliError } from '../cli-error.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { findOwner } from '../lake/find-owner.ts';
import { connectTo, readLake } from '../lake/with-lake.ts';
import { formatCount } from '../terminal/columns.ts';
import { version } from '../version.ts';

/** What runs, where it answers, and whether the ledger is balanced. */
export async function status(context: CommandContext): Promise<ExitCode> {
  const { terminal, json, paths } = context;
  const owner = await findOwner(paths.ingestLock);
  const collecting = await readLockOwner(paths.collectorLock);
  const exists = (await nodeFileSystem.stat(paths.log)) !== undefined;
  const { ledger, jobs, failingTests } = exists
    ? await readLake(context, async ({ admin }) => ({
        ledger: await admin.ledger({ deep: false }),
        jobs: await admin.jobs(),
        // They lie in a Gold table: when Gold cannot be read, the rest is what somebody needs to see.
        failingTests: await admin.failingTests().catch(() => null),
      }))
    : { ledger: null, jobs: [], failingTests: [] };
  const overview = owner === undefined ? null : await (await connectTo(context, owner)).overview();
  if (json) {
    terminal.json({
      version,
      home: paths.home,
      running: owner !== undefined,
      owner: owner ?? null,
      collector: collecting === undefined ? null : { pid: collecting.pid, url: collecting.url },
      overview,
      failing: jobs.flatMap(({ failing }) => failing ?? []),
      ledger,
      failingTests,
    });
    return exitCodes.ok;
  }
  const { bold, dim, green, red, yellow } = terminal.style;
  terminal.data(`${bold('clicklake')} ${version}  ${dim(paths.home)}`);
  terminal.data(
    owner === undefined
      ? `Lake       ${yellow('not running')} ${dim('start it: npx clicklake up')}`
      : `Lake       ${green('running')} as \`${owner.role}\`, process ${owner.pid}, ${owner.url}`,
  );
  terminal.data(
    collecting?.url == null
      ? `Collector  ${yellow('not running')}`
      : `Collector  ${green('running')}, process ${collecting.pid}, ${collecting.url}`,
  );
  const ingest = overview?.ingest;
  if (ingest != null) {
    const { phase, tailRows, commits, lastCommit, problem } = ingest;
    terminal.data(
      `Ingest     ${phase}, ${formatCount(tailRows)} rows in the tail, ${commits} commits, last ${lastCommit?.at ?? 'none'}`,
    );
    if (problem !== null) terminal.data(`           ${red(problem.message)} ${problem.hint}`);
    terminal.data(`Memory     ${formatSize(overview?.residentBytes ?? 0)}`);
  }
  for (const line of describeJobs(context, jobs, overview?.jobs ?? null)) terminal.data(line);
  if (ledger === null) terminal.data(`Ledger     ${dim('nothing was collected yet')}`);
  else {
    const verdict = ledger.balanced ? green('balanced') : red(`NOT BALANCED by ${ledger.difference}`);
    terminal.data(
      `Ledger     ${verdict}, ${formatCount(ledger.appended)} appended, ${formatCount(ledger.in_flight)} in flight`,
    );
  }
  if (failingTests === null)
    terminal.data(`Test       ${red('verdicts cannot be read')}, see \`clicklake tables\``);
  for (const { test, verdict, failures, testedAt } of failingTests ?? []) {
    const paint = verdict === 'warn' ? yellow : red;
    terminal.data(
      `Test       ${paint(verdict)} ${test}${failures === null ? '' : `, ${formatCount(failures)} rows`}, ${dim(testedAt)}`,
    );
  }
  return exitCodes.ok;
}

/** How far Gold is behind, and every job that failed last time, until it succeeds again (S7.4). */
function describeJobs(
  { terminal }: CommandContext,
  jobs: readonly JobState[],
  running: JobsStatus | null,
): string[] {
  const { red } = terminal.style;
  const lines: string[] = [];
  if (running !== null) {
    const { silverVersion, goldVersion, behindMs } = running.gold;
    lines.push(
      behindMs === 0
        ? `Gold       shows Silver up to its version ${silverVersion}`
        : `Gold       shows Silver up to version ${goldVersion ?? 'unknown'} of ${silverVersion}, ${(behindMs / 1000).toFixed(0)} s behind`,
    );
  }
  for (const { name, failing } of jobs) {
    if (failing === null) continue;
    const { error, failedRuns, since, retryAt, webhook } = failing;
    const runs = failedRuns === 1 ? 'once' : `${failedRuns} times`;
    lines.push(
      `Jobs       ${red(`${name} failed ${runs} since ${since}: ${error?.message ?? 'no reason'}`)}`,
    );
    if (error !== null) lines.push(`           ${error.hint}`);
    if (retryAt !== null) lines.push(`           It is tried again at ${retryAt}.`);
    if (webhook?.outcome === 'failed')
      lines.push(`           The webhook was not told: ${webhook.error ?? 'no reason'}`);
  }
  const { recordProblem } = running ?? { recordProblem: null };
  if (recordProblem !== null)
    lines.push(
      `Jobs       ${red(`Runs cannot be put on record: ${recordProblem.message}`)} ${recordProblem.hint}`,
    );
  return lines;
}

/** A fresh login link of the running console; `open` also opens it. */
export async function loginLink(context: CommandContext, openIt: boolean): Promise<ExitCode> {
  const { terminal, json, effects, paths } = context;
  const owner = await findOwner(paths.ingestLock);
  if (owner === undefined) {
    throw new CliError({
      code: 'cli-no-lake',
      message: 'Nothing runs for this CLICKLAKE_HOME.',
      hint: 'Start it: npx clicklake up',
    });
  }
  const link = await (await connectTo(context, owner)).createLoginLink();
  if (json) terminal.json(link);
  else terminal.data(link.url);
  const opened = openIt && (await effects.openBrowser(link.url));
  terminal.talk(
    terminal.talkStyle.dim(
      opened ? 'Opened in your browser.' : 'Open it in a browser: it works once, for 10 minutes.',
    ),
  );
  return exitCodes.ok;
}
