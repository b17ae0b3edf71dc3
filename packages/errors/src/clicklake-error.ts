/** What every error of ours carries beyond its message. */
export interface ErrorOptionsOf<Code extends string> {
  /** Unique, stable, `kebab-case`, prefixed by its package: `log-corrupt-segment`. */
  readonly code: Code;
  /** What happened, in the user's words. */
  readonly message: string;
  /** What to do next: one sentence that names the command or setting. */
  readonly hint: string;
  /** Whether the same call may succeed later without anyone changing anything. */
  readonly retryable?: boolean;
  readonly cause?: unknown;
  /** Facts for programs: offsets, paths, pids. Printed by `--json`. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/**
 * The base class of every error that clicklake raises on purpose. Each package derives its own
 * (`EventLogError`, `DeltaError`, …) with a closed union of codes, documented where it is defined.
 */
export class ClicklakeError<Code extends string = string> extends Error {
  readonly code: Code;
  readonly hint: string;
  readonly retryable: boolean;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(options: ErrorOptionsOf<Code>) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = options.code;
    this.hint = options.hint;
    this.retryable = options.retryable ?? false;
    this.details = options.details ?? {};
  }
}

export function isClicklakeError(error: unknown): error is ClicklakeError {
  return error instanceof ClicklakeError;
}
