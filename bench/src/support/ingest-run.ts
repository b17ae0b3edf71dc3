import { rm } from 'node:fs/promises';
import { lakePaths } from '@clicklake/pipeline';
import { openBenchOwner } from './bench-owner.ts';

export interface IngestRun {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly commits: number;
  readonly silver: number;
}

/**
 * Ingest of everything in a home's log into a new lake, as `clicklake ingest --until-caught-up` does it: from
 * the first read to the last fsynced Silver commit (S10).
 *
 * @param prepare makes state for the new lake before the clock starts, a full dedupe window say.
 */
export async function runIngest(
  home: string,
  prepare: (home: string) => Promise<void> = () => Promise.resolve(),
): Promise<IngestRun> {
  const paths = lakePaths(home);
  await rm(paths.lake, { recursive: true, force: true });
  await rm(`${home}/state`, { recursive: true, force: true });
  await prepare(home);
  const owner = await openBenchOwner(paths);
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  await owner.catchUp(() => undefined);
  const seconds = (performance.now() - startedAt) / 1000;
  const cpu = process.cpuUsage(cpuBefore);
  const { commits } = owner.state();
  const { silver, balanced } = await owner.ledger({ deep: false });
  await owner.close();
  if (!balanced) throw new Error('The ledger does not balance after the run: its time means nothing.');
  return { seconds, cpuSeconds: (cpu.user + cpu.system) / 1e6, commits, silver };
}
