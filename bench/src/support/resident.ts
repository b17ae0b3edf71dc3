import { readFile } from 'node:fs/promises';

/**
 * Samples the proportional set size of a process and of those that it started, summed (S10): shared pages count
 * by their share. Linux only.
 */
export interface ResidentWatch {
  /** MB, in the order of the samples. */
  readonly samples: readonly number[];
  stop(): void;
}

export function watchResident(pid: number, everyMs: number): ResidentWatch {
  const samples: number[] = [];
  const timer = setInterval(() => {
    void residentOfTree(pid).then((size) => {
      if (size > 0) samples.push(size);
    });
  }, everyMs);
  return { samples, stop: () => clearInterval(timer) };
}

/** MB of a process and of those that it started. */
export async function residentOfTree(pid: number): Promise<number> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  const sizes = await Promise.all([
    proportionalSetSize(pid),
    ...children.split(' ').filter(Boolean).map(Number).map(residentOfTree),
  ]);
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** MB; 0 for a process that is gone. */
async function proportionalSetSize(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '');
  return Number(/^Pss:\s+(\d+) kB$/m.exec(text)?.[1] ?? 0) / 1024;
}
