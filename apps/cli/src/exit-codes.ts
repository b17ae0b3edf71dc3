import { isClicklakeError } from '@clicklake/errors';

/** What the process's exit code says; `clicklake --help` lists them. */
export const exitCodes = {
  ok: 0,
  /** What was checked does not hold: an unbalanced ledger, a data test. */
  checkFailed: 1,
  /** The command line, the configuration file or an environment variable is wrong. */
  usage: 2,
  /** Another process owns what the command needs: the lake, the log (S6.3), or a port. */
  ownedElsewhere: 3,
  /** The request was understood and refused: invalid SQL, an unknown table, a corrupt log. */
  refused: 4,
  /** A defect, or a failure of the machine. */
  internal: 5,
  /** Ended by Ctrl-C. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

const ownedCodes: ReadonlySet<string> = new Set([
  'files-lock-held',
  'lake-owned',
  'log-locked',
  'cli-owned-elsewhere',
  'server-port-in-use',
  'collector-port-in-use',
]);
const usageCodes: ReadonlySet<string> = new Set([
  'cli-usage',
  'config-invalid',
  'collector-host-not-loopback',
  'collector-option-invalid',
  'server-host-not-loopback',
  'simulator-setting-invalid',
  'contract-invalid-setting',
  'replay-change-invalid',
]);

export function exitCodeOf(error: unknown): ExitCode {
  if (!isClicklakeError(error)) return exitCodes.internal;
  if (ownedCodes.has(error.code)) return exitCodes.ownedElsewhere;
  if (usageCodes.has(error.code)) return exitCodes.usage;
  return error.code === 'internal' ? exitCodes.internal : exitCodes.refused;
}
