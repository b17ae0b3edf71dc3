import type { EventLog } from '@clicklake/event-log';

/** A fresh, empty log for one test. */
export interface EventLogHarness {
  readonly log: EventLog;
  /** The same log as another process would open it: nothing in memory is shared. */
  reopen(): EventLog;
  dispose(): Promise<void>;
}
