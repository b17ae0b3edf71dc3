/** What was started, to be stopped in reverse order: nothing may use what is already gone. */
export interface Lifecycle {
  /** Remembers how to stop a part that just started. */
  add(name: string, stop: () => Promise<unknown>): void;
  /**
   * Stops everything, the last started first; a part that fails to stop keeps no other from stopping. Idempotent.
   *
   * @throws the first failure, once all are stopped.
   */
  stop(): Promise<void>;
}

export function createLifecycle(onFailure: (name: string, error: unknown) => void): Lifecycle {
  const parts: { readonly name: string; readonly stop: () => Promise<unknown> }[] = [];
  let stopped: Promise<void> | undefined;

  async function stopAll(): Promise<void> {
    const failures: unknown[] = [];
    for (let part = parts.pop(); part !== undefined; part = parts.pop()) {
      try {
        await part.stop();
      } catch (error) {
        failures.push(error);
        onFailure(part.name, error);
      }
    }
    for (const failure of failures) throw failure;
  }

  return {
    add: (name, stop) => void parts.push({ name, stop }),
    stop: () => (stopped ??= stopAll()),
  };
}
