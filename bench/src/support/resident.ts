import { readFile } from 'node:fs/promises';

/** Samples the proportional set size of a process (S10): shared pages count by their share. Linux only. */
export interface ResidentWatch {
  /** MB, in the order of the samples. */
  readonly samples: readonly number[];
  stop(): void;
}

export function watchResident(pid: number, everyMs: number): ResidentWatch {
  const samples: number[] = [];
  const timer = setInterval(() => {
    void proportionalSetSize(pid).then((size) => {
      if (size !== undefined) samples.push(size);
    });
  }, everyMs);
  return { samples, stop: () => clearInterval(timer) };
}

async function proportionalSetSize(pid: number): Promise<number | undefined> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '');
  const kilobytes = /^Pss:\s+(\d+) kB$/m.exec(text)?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) / 1024;
}
