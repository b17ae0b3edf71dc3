import { isClicklakeError } from '@clicklake/errors';
import { CliError } from './cli-error.ts';
import type { Terminal } from './terminal/terminal.ts';
import type { Effects } from './effects.ts';

export interface ReportOptions {
  readonly json: boolean;
  readonly debug: boolean;
}

/** Says on stderr what went wrong and what to do next; the stack only with --debug. */
export function reportError(
  error: unknown,
  terminal: Terminal,
  effects: Effects,
  options: ReportOptions,
): void {
  const known = isClicklakeError(error) ? error : systemError(error);
  const { red, dim } = terminal.talkStyle;
  const write = (line: string): void => void effects.stderr.write(`${line}\n`);
  if (known !== undefined) {
    const { code, message, hint, details } = known;
    if (options.json) write(JSON.stringify({ error: { code, message, hint, details } }));
    else write(`${red('error')} ${message}\n      ${dim(hint)}`);
  } else {
    const message = error instanceof Error ? error.message : String(error);
    write(`${red('error')} An unexpected failure: ${message}`);
    write(`      ${dim('Run it again with --debug and report what it prints: this is a defect.')}`);
  }
  if (options.debug && error instanceof Error) write(stackOf(error));
}

function stackOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by ${stackOf(error.cause)}` : '';
  return `${error.stack ?? error.message}${cause}`;
}

/** Failures of the machine that people can do something about. */
function systemError(error: unknown): CliError | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  const path = 'path' in error && typeof error.path === 'string' ? error.path : 'CLICKLAKE_HOME';
  // Node's recursive mkdir says ENOENT where the file system is read-only.
  const isReadOnly = error.code === 'ENOENT' && 'syscall' in error && error.syscall === 'mkdir';
  switch (isReadOnly ? 'EROFS' : error.code) {
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new CliError({
        code: 'cli-home-unusable',
        message: `${path} cannot be written (${isReadOnly ? 'EROFS' : String(error.code)}).`,
        hint: 'Make it writable for this user, or choose another directory with --home or CLICKLAKE_HOME.',
        cause: error,
      });
    case 'ENOSPC':
    case 'EDQUOT':
      return new CliError({
        code: 'cli-disk-full',
        message: `No space is left on the disk of ${path}. Nothing that was acknowledged is lost.`,
        hint: 'Free some space (`clicklake table vacuum silver` may help) and run the command again.',
        cause: error,
      });
    default:
      return undefined;
  }
}
