import { describe } from 'vitest';
import { describeBlocks } from './conformance/blocks.ts';
import { describeReading } from './conformance/reading.ts';
import { describeWriting } from './conformance/writing.ts';
import type { EventLogHarness } from './event-log-harness.ts';

/** What every implementation of the port must do; it knows nothing of how they do it. */
export function describeEventLog(name: string, create: () => Promise<EventLogHarness>): void {
  describe(`${name}: the event log port`, () => {
    describeWriting(create);
    describeBlocks(create);
    describeReading(create);
  });
}
