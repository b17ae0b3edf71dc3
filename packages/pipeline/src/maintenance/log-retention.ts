import type { LogReader, LogWriter, RetentionReport } from '@clicklake/event-log';
import { ingestGroup } from '../ingest/ingest-session.ts';

/**
 * Lets the log delete what is past its limits and what ingest has committed. Before ingest's first commit it
 * deletes nothing: what Silver has not committed is never deleted.
 */
export async function applyLogRetention(
  writer: LogWriter,
  reader: LogReader,
): Promise<RetentionReport | undefined> {
  const committed = await reader.committed(ingestGroup);
  return committed === undefined ? undefined : writer.applyRetention(committed);
}
