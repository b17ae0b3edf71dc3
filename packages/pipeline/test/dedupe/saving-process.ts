/** Ingest in small, to be killed: judges, commits to a stand-in for Silver, saves; in the order given. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { environmentCrashPoints } from '@clicklake/durable-files';
import { openDedupeIndex } from '../../src/dedupe/index.ts';
import { batchOf, optionsIn, recordsOf, start } from './dedupe-support.ts';

const [root = '', order] = process.argv.slice(2);
const crashPoints = environmentCrashPoints(process.env.CLICKLAKE_CRASH_AT);
const { index } = await openDedupeIndex(optionsIn(join(root, 'dedupe'), { crashPoints }));
for (let until = 1000; until <= 10_000; until += 1000) {
  await index.check(batchOf(recordsOf(until - 1000, 1000, start)));
  const commit = (): void => writeFileSync(join(root, 'silver-covers'), String(until));
  const covered = [BigInt(until), BigInt(until), BigInt(until)];
  if (order === 'saved-after-silver') commit();
  await index.save({ silverVersion: until, covered }, { force: true });
  if (order === 'saved-before-silver') commit();
  await index.settled();
}
await index.close();
