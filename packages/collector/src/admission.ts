import { isClicklakeError } from '@clicklake/errors';
import type { Pressure } from './collector-options.ts';
import type { Limits } from './limits.ts';
import { Refusal } from './refusal.ts';

/**
 * Back-pressure, before a body is read. Better a refusal that the sender retries than an event that cannot be kept.
 *
 * @throws Refusal `disk-low` (503), `ingest-lagging` (429), with Retry-After.
 */
export function checkPressure({ lagRecords, diskFreeBytes }: Pressure, limits: Limits): void {
  if (diskFreeBytes < limits.minDiskFreeBytes) {
    throw new Refusal({
      code: 'disk-low',
      message: `The log's disk has ${diskFreeBytes} bytes left, less than the reserve of ${limits.minDiskFreeBytes}.`,
      hint: 'Free space on the disk, or shorten the log retention; then send again.',
      retryAfterSeconds: 30,
    });
  }
  if (lagRecords > limits.maxLagRecords) {
    throw new Refusal({
      code: 'ingest-lagging',
      message: `Ingest is ${lagRecords} records behind, more than the limit of ${limits.maxLagRecords}.`,
      hint: 'Send more slowly; `clicklake status` shows whether ingest runs.',
      retryAfterSeconds: 5,
    });
  }
}

/** What a failed append means to the sender: nothing is called accepted (S5.3). */
export function refusalOfAppendFailure(error: unknown): Refusal {
  if (!isClicklakeError(error) || error.code !== 'log-full')
    return new Refusal({
      code: 'log-unavailable',
      message: 'The log could not make this request durable; nothing of it was accepted.',
      hint: 'Send again after the time in Retry-After; on the machine, `clicklake status` says what is wrong.',
      retryAfterSeconds: 5,
      cause: error,
    });
  const { limit } = error.details;
  const { what, wayOut } = fullLog[typeof limit === 'string' ? limit : ''] ?? fullDisk;
  return new Refusal({
    code: 'log-full',
    message: `${what}; nothing of this request was accepted.`,
    hint: `Send again after the time in Retry-After; on the machine, ${wayOut}.`,
    retryAfterSeconds: 30,
    cause: error,
  });
}

const fullDisk = {
  what: 'The disk of the log has no room left',
  wayOut: 'free space on it, or shorten the log retention',
};

/** By the limit that the log names with `log-full`. */
const fullLog: Readonly<Record<string, { readonly what: string; readonly wayOut: string }>> = {
  'max-disk-bytes': {
    what: 'The log has reached its disk limit',
    wayOut: 'raise the log limit or let ingest catch up',
  },
  'pending-bytes': {
    what: 'The disk of the log does not keep up with what is sent',
    wayOut: 'see what else keeps the disk busy',
  },
};

/** @throws Refusal `host-not-allowed`: a page elsewhere may have pointed its own name at this machine (S6.5). */
export function checkHost(host: string | undefined, allowed: ReadonlySet<string>): void {
  const name = (host ?? '').toLowerCase().replace(/:\d*$/, '').replace(/\.$/, '');
  if (allowed.has(name)) return;
  throw new Refusal({
    code: 'host-not-allowed',
    message: `This collector does not answer to the host "${name}".`,
    hint: 'Address it as 127.0.0.1 or localhost, or add the name to its allowed hosts.',
  });
}
