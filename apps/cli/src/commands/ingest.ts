import type { CommandContext } from '../context.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { readLockOwner } from '@clicklake/durable-files';
import { CliError } from '../cli-error.ts';
import { openReplayAppender } from '../replay/replay-appender.ts';
import { createLifecycle } from '../system/lifecycle.ts';
import { runUntilStopped } from '../system/run-until-stopped.ts';
import { openLake, openLog, startServer, type SystemContext } from '../system/system-parts.ts';
import { createProgress } from '../terminal/progress.ts';

/** Ingest, and the admin API of the lake that it owns, as a process of their own. */
export function ingest(context: CommandContext): Promise<ExitCode> {
  return runUntilStopped(context, 'ingest', async (system) => {
    const lake = await openLake(system, openLog(system));
    await lake.owner.start();
    const { url, credentials, markReady } = await startServer(system, lake, {
      logWriter: null,
      backFill: null,
      replays: () => openReplayAppender(system),
      collector: null,
      collectorUrl: (await readLockOwner(system.paths.collectorLock))?.url ?? null,
    });
    markReady();
    const { terminal, json } = system;
    const loginUrl = `${url}/login?code=${credentials.createLoginCode().code}`;
    if (json) terminal.json({ ready: true, url, loginUrl, home: system.paths.home, pid: process.pid });
    else terminal.talk(`Ingesting. Console: ${terminal.talkStyle.cyan(loginUrl)}  Ctrl-C stops.`);
  });
}

/** Commits all that the log holds now, and ends; asks the owner to when one runs. */
export async function ingestUntilCaughtUp(context: CommandContext): Promise<ExitCode> {
  const { terminal, effects, json } = context;
  const { findOwner } = await import('../lake/find-owner.ts');
  const owner = await findOwner(context.paths.ingestLock);
  if (owner !== undefined) return waitForOwner(context, owner.url);

  const lifecycle = createLifecycle(() => undefined);
  const system: SystemContext = { ...context, role: 'ingest-once', lifecycle, onFatal: () => undefined };
  const progress = createProgress(terminal, effects.stderr, 'Ingesting', 0);
  try {
    const lake = await openLake(system, openLog(system));
    const toDo = await lake.owner.uncommitted();
    await lake.owner.catchUp(({ processed }) => progress.update(processed, Math.max(toDo, processed)));
    const { processed, silverVersion } = lake.owner.state();
    progress.stop();
    if (json) terminal.json({ processed, silverVersion, inFlight: 0 });
    else terminal.talk(`Caught up: ${processed.toLocaleString('en-US')} records taken up.`);
  } finally {
    progress.stop();
    await lifecycle.stop();
  }
  return exitCodes.ok;
}

const pollMs = 250;

/** A running ingest commits by itself: wait until it has caught up with what the log holds. */
async function waitForOwner(context: CommandContext, url: string): Promise<ExitCode> {
  const { terminal, json } = context;
  const { createAdminClient } = await import('../lake/admin-client.ts');
  const { readApiToken } = await import('../lake/api-token.ts');
  const admin = createAdminClient(url, await readApiToken(context.paths.apiToken));
  const ends = new Map(
    (await admin.topics()).map(({ topic, partition, endOffset }) => [`${topic}/${partition}`, endOffset]),
  );
  for (;;) {
    const topics = await admin.topics();
    const isBehind = topics.some(({ topic, partition, committedOffset }) => {
      return committedOffset < (ends.get(`${topic}/${partition}`) ?? 0);
    });
    if (!isBehind) break;
    const { ingest: state } = await admin.overview();
    if (state !== null && (state.phase === 'failed' || state.problem !== null)) throw stuck(state.problem);
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
  const { in_flight: inFlight } = await admin.ledger({ deep: false });
  if (json) terminal.json({ processed: null, silverVersion: null, inFlight });
  else terminal.talk('Caught up: the running ingest has committed all that the log held.');
  return exitCodes.ok;
}

function stuck(problem: { readonly message: string; readonly hint: string } | null): CliError {
  return new CliError({
    code: 'cli-refused',
    message: `Ingest does not get on: ${problem?.message ?? 'it failed.'}`,
    hint: problem?.hint ?? 'See `clicklake status`.',
  });
}
