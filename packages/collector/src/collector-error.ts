import { ClicklakeError } from '@clicklake/errors';

/**
 * What can go wrong outside a request.
 *
 * - `collector-host-not-loopback`: told to bind beyond this machine without `allowNonLoopback` (S6.5).
 * - `collector-port-in-use`: another program listens on the port.
 * - `collector-option-invalid`: an option is out of its range; `details.option` names it.
 * - `collector-stopped`: `start` after `stop`; create a new collector.
 * - `keys-file-invalid`: the write-key file is not what we wrote.
 * - `key-option-invalid`: a write key cannot be made from what was asked.
 */
export type CollectorErrorCode =
  | 'collector-host-not-loopback'
  | 'collector-port-in-use'
  | 'collector-option-invalid'
  | 'collector-stopped'
  | 'keys-file-invalid'
  | 'key-option-invalid';

export class CollectorError extends ClicklakeError<CollectorErrorCode> {}
