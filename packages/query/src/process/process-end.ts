import type { ChildProcess } from 'node:child_process';

import { QueryError } from '../query-error.ts';
import type { Response, WhyItEnds } from './messages.ts';

/** Resolves when `child` has ended, with the error for whoever waits for an answer of it. */
export function endOfProcess(child: ChildProcess, maxResidentMb: number): Promise<QueryError> {
  return new Promise((resolve) => {
    let why: WhyItEnds | undefined;
    let how: string | undefined;
    let disconnected = false;
    const look = (): void => {
      // What it said last may be read after its exit: only the channel's end is the end.
      if (how !== undefined && disconnected) resolve(errorFor(why, how, maxResidentMb));
    };
    child.on('message', (message) => {
      const response = message as Response;
      if (response.kind === 'last-words') why = response.why;
    });
    child.once('exit', (code, signal) => {
      how = signal ?? `exit code ${code ?? 'unknown'}`;
      look();
    });
    child.once('disconnect', () => {
      disconnected = true;
      look();
    });
    child.once('error', (error) => {
      if (child.pid === undefined) resolve(errorFor(undefined, error.message, maxResidentMb));
    });
  });
}

function errorFor(why: WhyItEnds | undefined, how: string, maxResidentMb: number): QueryError {
  // The kernel's own end for want of memory is SIGKILL, that of a JavaScript heap SIGABRT.
  if (why === 'memory' || (why === undefined && (how === 'SIGKILL' || how === 'SIGABRT'))) {
    return new QueryError({
      code: 'query-out-of-memory',
      message: `The queries that ran just now took more than the ${maxResidentMb} MiB that their process may take, which was ended.`,
      hint: 'Select fewer columns or a shorter time range, and build no large text or list in one expression. If yours is small, ask again: it ran beside another.',
      details: { maxResidentMb },
    });
  }
  return new QueryError({
    code: 'query-process-ended',
    message:
      why === 'stuck'
        ? 'The query process was ended, since a statement beside this one could not be stopped.'
        : `The query process ended (${how}).`,
    hint: 'Ask again: another one is started.',
    retryable: true,
  });
}
