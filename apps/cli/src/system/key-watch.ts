import type { FileKeyStore } from '@clicklake/collector';

const intervalMs = 1_000;

/** Lets a running collector follow `clicklake keys create` and `revoke`, within a second. */
export function startKeyWatch(
  keys: FileKeyStore,
  onFailure: (error: unknown) => void,
): { stop(): Promise<void> } {
  let looking: Promise<unknown> = Promise.resolve();
  const timer = setInterval(() => {
    looking = looking.then(() => keys.refresh()).catch(onFailure);
  }, intervalMs);
  return {
    async stop() {
      clearInterval(timer);
      await looking;
    },
  };
}
