import type { CommandContext } from '../context.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { createLifecycle } from './lifecycle.ts';
import type { SystemContext } from './system-parts.ts';

/**
 * Starts the parts of a long-running process, waits until it is asked to stop or cannot go on, and stops all that
 * was started. A second Ctrl-C ends the process at once.
 */
export async function runUntilStopped(
  context: CommandContext,
  role: string,
  start: (system: SystemContext, stopping: AbortSignal) => Promise<void>,
): Promise<ExitCode> {
  const { effects, terminal } = context;
  const ended = Promise.withResolvers<undefined>();
  const stopping = new AbortController();
  const lifecycle = createLifecycle((name, error) => {
    terminal.warn(`${name} did not stop cleanly: ${reasonOf(error)}`);
  });
  /** The first says why it ended; on a broken disk others follow from it. */
  const failures: unknown[] = [];
  let askedAt = 0;
  const stopListening = effects.signals.onStop((signal) => {
    // npm and its shell pass a Ctrl-C on, and the terminal sends it to all of them: several may be one.
    if (stopping.signal.aborted) {
      if (signal === 'SIGINT' && performance.now() - askedAt > 500)
        effects.signals.exitNow(exitCodes.interrupted);
      return;
    }
    askedAt = performance.now();
    terminal.talk(terminal.talkStyle.dim('\nStopping: the tail is committed. Press Ctrl-C again to force.'));
    stopping.abort();
    ended.resolve(undefined);
  });
  try {
    const system: SystemContext = {
      ...context,
      role,
      lifecycle,
      onFatal(error) {
        failures.push(error);
        ended.resolve(undefined);
      },
    };
    await start(system, stopping.signal);
    await ended.promise;
  } catch (error) {
    failures.push(error);
  }
  stopping.abort();
  try {
    await lifecycle.stop();
  } catch (error) {
    failures.push(error);
  }
  stopListening();
  for (const error of failures) throw error;
  terminal.talk(terminal.talkStyle.dim('Stopped.'));
  return exitCodes.ok;
}

/** Of a failure that came upon another one while things were closed, the first is what went wrong. */
function reasonOf(error: unknown): string {
  if (error instanceof SuppressedError) return reasonOf(error.suppressed);
  return error instanceof Error ? error.message : String(error);
}
