import type { Readable, Writable } from 'node:stream';

/** A stream that may be a terminal. */
export interface OutputStream extends Writable {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export interface InputStream extends Readable {
  readonly isTTY?: boolean;
}

/** Everything a command touches outside its arguments, so that tests run it in their own process. */
export interface Effects {
  readonly stdin: InputStream;
  /** Data: what a pipe should carry on. */
  readonly stdout: OutputStream;
  /** Talk: progress, hints, errors. */
  readonly stderr: OutputStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly signals: SignalSource;
  /** Opens a URL in the user's browser; false when there is none. */
  readonly openBrowser: (url: string) => Promise<boolean>;
}

/** Where requests to stop come from: SIGINT, SIGTERM and SIGHUP of the process. */
export interface SignalSource {
  /** Calls the listener for each one; the returned function takes it off again. */
  onStop(listener: (signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP') => void): () => void;
  /** Ends the process at once, for who asks a second time. */
  exitNow(code: number): void;
}
