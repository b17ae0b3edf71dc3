import { CommanderError } from 'commander';
import type { Effects } from './effects.ts';
import { exitCodeOf, exitCodes } from './exit-codes.ts';
import { createProgram } from './program.ts';
import { reportError } from './report-error.ts';
import { createTerminal } from './terminal/terminal.ts';
import { version } from './version.ts';

/**
 * Runs one command line and resolves with its exit code; touches nothing but the given effects and the files of
 * CLICKLAKE_HOME.
 *
 * @param startedAt of the process, as `performance.now` tells it
 */
export async function run(
  argv: readonly string[],
  effects: Effects,
  startedAt = performance.now(),
): Promise<number> {
  // Not commander's: it would take the `--version` of `table restore` for this one.
  if (argv[0] === '--version' || argv[0] === '-V') {
    effects.stdout.write(`${version}\n`);
    return exitCodes.ok;
  }
  let exitCode: number = exitCodes.ok;
  const program = createProgram(effects, startedAt, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return exitCode;
  } catch (error) {
    // Commander has printed it already: a mistake in the arguments, or the help that was asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    const { json = false, debug = false } = program.opts<{ json?: boolean; debug?: boolean }>();
    reportError(error, createTerminal(effects, { quiet: false }), effects, { json, debug });
    return exitCodeOf(error);
  }
}
