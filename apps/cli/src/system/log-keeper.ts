import type { LogReader, LogWriter } from '@clicklake/event-log';
import { applyLogRetention } from '@clicklake/pipeline';

const intervalMs = 60_000;

/** Lets the log delete, once a minute, what is past its limits and committed to Silver. */
export function startLogKeeper(
  writer: LogWriter,
  reader: LogReader,
  onFailure: (error: unknown) => void,
): { stop(): Promise<void> } {
  let running: Promise<unknown> = Promise.resolve();
  const timer = setInterval(() => {
    running = running.then(() => applyLogRetention(writer, reader)).catch(onFailure);
  }, intervalMs);
  return {
    async stop() {
      clearInterval(timer);
      await running;
    },
  };
}
