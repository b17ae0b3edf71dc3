import type { IngestPhase, JobsStatus, Ledger } from '@clicklake/pipeline';

/** What the live stream tells once a second. */
export interface LiveSample {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly acceptedPerSecond: number;
  readonly rejectedPerSecond: number;
  /** Since the process started. */
  readonly accepted: number;
  readonly rejected: number;
  readonly phase: IngestPhase | null;
  readonly problem: { readonly code: string; readonly message: string; readonly hint: string } | null;
  readonly tailRows: number;
  readonly silverVersion: number | null;
  readonly lastCommit: { readonly at: string; readonly rows: number; readonly durationMs: number } | null;
  readonly residentBytes: number;
  readonly uptimeSeconds: number;
  /** Records in the log that Silver does not cover yet, as the ledger counted them. */
  readonly lag: number;
  /** Jobs that fail, and how far Gold is behind; null when this process runs none. */
  readonly jobs: JobsStatus | null;
  /** Counted every few seconds; null before the first time, and when counting fails. */
  readonly ledger: Ledger | null;
}
