import type { CommandContext } from '../context.ts';
import type { ExitCode } from '../exit-codes.ts';
import { runUntilStopped } from '../system/run-until-stopped.ts';
import { startCollector, startLogWriter } from '../system/system-parts.ts';

/** The collector and the log's writer as a process of their own. */
export function collect(context: CommandContext): Promise<ExitCode> {
  return runUntilStopped(context, 'collect', async (system) => {
    const { url } = await startCollector(system, await startLogWriter(system), 'here');
    const { terminal, json } = system;
    if (json) terminal.json({ ready: true, collectorUrl: url, home: system.paths.home, pid: process.pid });
    else terminal.talk(`Collecting at ${terminal.talkStyle.cyan(`${url}/v1/events`)}. Ctrl-C stops.`);
  });
}
