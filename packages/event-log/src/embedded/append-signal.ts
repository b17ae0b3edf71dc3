/** Wakes the readers of a log when its writer, in the same process, made something durable. */
export interface AppendSignal {
  /** Whether a writer of this process publishes here: if not, readers must look at the file. */
  writerIsOpen: boolean;
  publish(): void;
  /** Calls back once, at the next `publish`. Returns how to cancel. */
  onNext(wake: () => void): () => void;
}

export function appendSignal(): AppendSignal {
  const waiting = new Set<() => void>();
  return {
    writerIsOpen: false,
    publish() {
      const woken = [...waiting];
      waiting.clear();
      for (const wake of woken) wake();
    },
    onNext(wake) {
      waiting.add(wake);
      return () => waiting.delete(wake);
    },
  };
}
