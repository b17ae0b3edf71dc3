import { appendFileSync } from 'node:fs';
import { collected, foreign, refused } from './records.ts';
import { everyCommits, testLakeAt } from './test-lake.ts';

/**
 * Appends and ingests until it is killed. Writes down what it is going to append, and what was acknowledged:
 * one line each, which the page cache keeps when the process dies.
 */
interface WorkingTask {
  readonly home: string;
  readonly prefix: string;
  readonly acknowledged: string;
}

const { home, prefix, acknowledged } = JSON.parse(process.argv[2] ?? '{}') as WorkingTask;
const lake = testLakeAt(home);
const owner = await lake.open({
  settings: { tickIntervalMs: 2, commitIntervalMs: 25, tickBytes: 8_000, commitBytes: 16_000 },
  maintenance: { smallFiles: 6 },
  jobs: { maintenance: everyCommits(3) },
});
await owner.start();
const writer = await lake.log({ segmentBytes: 30_000 }).openWriter();
process.stdout.write('working\n');

for (let call = 0; ; call += 1) {
  const now = Date.now();
  const ids = Array.from({ length: 8 }, (_, index) => `${prefix}-${call}-${index}`);
  await writer.append(
    ids.flatMap((id, index) => {
      const nth = call + index;
      const event = collected(id, `u${nth % 13}`, now);
      if (nth % 4 === 0) return [event, collected(id, `u${(nth + 1) % 13}`, now)];
      if (nth % 9 === 0) return [event, refused(`raw of ${id}`, now), foreign('no event', now)];
      return [event];
    }),
  );
  appendFileSync(acknowledged, `${ids.join('\n')}\n`);
}
