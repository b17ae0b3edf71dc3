import { ClicklakeError } from '@clicklake/errors';

/**
 * What can go wrong outside a request.
 *
 * - `server-host-not-loopback`: told to bind beyond this machine without saying that it is meant (S6.5).
 * - `server-port-in-use`: another program listens on the port.
 * - `server-stopped`: `start` after `stop`; create a new server.
 */
export type ServerErrorCode = 'server-host-not-loopback' | 'server-port-in-use' | 'server-stopped';

export class ServerError extends ClicklakeError<ServerErrorCode> {}
