import { isClicklakeError } from '@clicklake/errors';
import type { Problem } from '../lake-service.ts';

/** What to do about the errors that an operating system gives a process that only reads and writes files. */
const systemHints: Readonly<Record<string, string>> = {
  ENOSPC: 'The disk is full: make room on it. Ingest then goes on by itself.',
  EDQUOT: 'The disk quota is used up: raise it or make room. Ingest then goes on by itself.',
  EROFS: 'The file system is read-only: mount it for writing. Ingest then goes on by itself.',
  EACCES: 'Give this user write access to the lake. Ingest then goes on by itself.',
  EPERM: 'Give this user write access to the lake. Ingest then goes on by itself.',
  EIO: 'Check the disk. Ingest tries again by itself.',
  EMFILE: 'Raise the limit of open files (ulimit -n) and start again.',
};

const ofIngest = {
  code: 'ingest-failed',
  hint: 'Ingest tries again by itself; see the message for the cause.',
};

/**
 * An error as people are told of it: with what lies at its root, and the way out of that. Null for none.
 *
 * @param unknown what is said of an error that has neither code nor hint.
 */
export function describeProblem(problem: unknown, unknown = ofIngest): Problem | null {
  if (problem === undefined) return null;
  const root = rootOf(problem);
  const message = messageOf(problem);
  const rootMessage = messageOf(root);
  const described = {
    code: isClicklakeError(problem) ? problem.code : unknown.code,
    message: message.includes(rootMessage) ? message : `${message} (${rootMessage})`,
  };
  const hint = systemHint(root) ?? (isClicklakeError(problem) ? problem.hint : undefined);
  return { ...described, hint: hint ?? unknown.hint };
}

function rootOf(error: unknown): unknown {
  let root = error;
  while (root instanceof Error && root.cause !== undefined) root = root.cause;
  return root;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : 'an error without a message';
}

/** DuckDB's errors have no code; the system's text stands in their message. */
function systemHint(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ('code' in error && typeof error.code === 'string') return systemHints[error.code];
  return /no space left on device/i.test(error.message) ? systemHints.ENOSPC : undefined;
}
