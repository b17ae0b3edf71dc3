import type { EventLog } from '../event-log.ts';
import { appendSignal } from './append-signal.ts';
import { completeOptions, type EmbeddedLogOptions } from './embedded-log-options.ts';
import { openLogReader } from './log-reader.ts';
import { openLogWriter } from './log-writer.ts';
import { openSettledLog } from './settled-log.ts';

/**
 * The log of segment files in a directory. Opening does nothing yet; the directory is created by the first
 * writer or reader. Readers opened from the same object as the writer are woken at once by its commits.
 */
export function openEmbeddedLog(given: EmbeddedLogOptions): EventLog {
  const options = completeOptions(given);
  const signal = appendSignal();
  const recover = async () => {
    const writer = await openLogWriter(options, signal);
    await writer.close();
  };
  return {
    openWriter: () => openLogWriter(options, signal),
    async openReader() {
      return openLogReader(options, await openSettledLog(options.files, options.directory, recover), signal);
    },
  };
}
