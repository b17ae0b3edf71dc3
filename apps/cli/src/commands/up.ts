import type { CommandContext } from '../context.ts';
import type { ExitCode } from '../exit-codes.ts';
import { runBackFill } from '../produce/back-fill.ts';
import { replayAppender } from '../replay/replay-appender.ts';
import { runUntilStopped } from '../system/run-until-stopped.ts';
import { startSimulator } from '../system/start-simulator.ts';
import {
  contractOf,
  openLake,
  startCollector,
  startLogWriter,
  startServer,
  type SystemContext,
} from '../system/system-parts.ts';
import { version } from '../version.ts';

/** Everything in one process: log, lake, collector, console, simulator. */
export function up(context: CommandContext, startedAt: number): Promise<ExitCode> {
  return runUntilStopped(context, 'up', async (system, stopping) => {
    const writtenLog = await startLogWriter(system);
    const lake = await openLake(system, writtenLog.log, writtenLog.writer);
    await lake.owner.start();
    const collected = await startCollector(system, writtenLog, 'job');
    const contract = contractOf(system);
    const { url, credentials, markReady } = await startServer(system, lake, {
      logWriter: writtenLog.writer,
      backFill: (request, options) =>
        runBackFill(
          writtenLog.writer,
          contract,
          system.effects.now,
          system.config['collector.truncate_ip'],
          request,
          options,
        ),
      replays: () => Promise.resolve(replayAppender(system, writtenLog.writer, collected.keys)),
      collector: () => collected.collector.snapshot(),
      collectorUrl: collected.url,
    });
    if (system.config['simulator.enabled']) startSimulator(system, collected);
    if (stopping.aborted) return;
    markReady();
    const loginUrl = `${url}/login?code=${credentials.createLoginCode().code}`;
    announce(system, { loginUrl, collectorUrl: collected.url, url, readyMs: performance.now() - startedAt });
  });
}

interface Announcement {
  readonly url: string;
  readonly loginUrl: string;
  readonly collectorUrl: string;
  readonly readyMs: number;
}

function announce({ terminal, config, paths, json }: SystemContext, facts: Announcement): void {
  const { url, loginUrl, collectorUrl, readyMs } = facts;
  if (json)
    return terminal.json({ ready: true, url, loginUrl, collectorUrl, home: paths.home, pid: process.pid });
  const { bold, cyan, dim, green } = terminal.talkStyle;
  const rate = config['simulator.rate'];
  const shoppers = config['simulator.enabled'] ? `${rate} event${rate === 1 ? '' : 's'}/s` : 'off';
  terminal.talk('');
  terminal.talk(
    `  ${bold('clicklake')} ${dim(version)} ${green('is ready')} ${dim(`in ${(readyMs / 1000).toFixed(1)} s`)}`,
  );
  terminal.talk('');
  terminal.talk(`  Console    ${cyan(loginUrl)}`);
  terminal.talk(`             ${dim('works once, for 10 minutes; a fresh link: npx clicklake open')}`);
  terminal.talk(`  Collector  ${cyan(`${collectorUrl}/v1/events`)}`);
  terminal.talk(`             ${dim('write keys: npx clicklake keys')}`);
  terminal.talk(`  Simulator  ${shoppers}`);
  terminal.talk(`  Data       ${paths.home}`);
  terminal.talk('');
  terminal.talk(
    dim('  Ask: npx clicklake sql "SELECT event_type, count(*) FROM silver GROUP BY ALL"   Ctrl-C stops.'),
  );
  terminal.talk('');
}
