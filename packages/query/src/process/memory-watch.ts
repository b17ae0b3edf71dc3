/** Watches how much memory this process takes while anybody is in, and what it keeps afterwards. */
export interface MemoryWatch {
  /** Gives back how to leave; to be called once. */
  enter(): () => void;
}

export interface MemoryWatchOptions {
  /** Of the whole process. */
  readonly maxResidentBytes: number;
  /** Somebody is in, and it takes more. What happens then is not awaited. */
  readonly onExceeded: () => void;
  /** Nobody is in, and it keeps more than half of that: the next to enter would have too little. */
  readonly onGrown: () => void;
}

/** Memory fills at a gigabyte or two a second: this often keeps what goes past the limit to tens of megabytes. */
const everyMs = 20;

/** After the last one left: by then what is free has mostly been given back. */
const restMs = 1_000;

export function watchMemory({ maxResidentBytes, onExceeded, onGrown }: MemoryWatchOptions): MemoryWatch {
  let inside = 0;
  let timer: NodeJS.Timeout | undefined;
  const resident = (): number => process.memoryUsage.rss();
  const look = (): void => {
    if (resident() > maxResidentBytes) onExceeded();
  };
  const lookAtRest = (): void => {
    if (resident() > maxResidentBytes / 2) onGrown();
  };
  return {
    enter() {
      inside += 1;
      if (inside === 1) {
        clearTimeout(timer);
        timer = setInterval(look, everyMs);
      }
      return () => {
        inside -= 1;
        if (inside > 0) return;
        clearInterval(timer);
        timer = setTimeout(lookAtRest, restMs);
      };
    },
  };
}
