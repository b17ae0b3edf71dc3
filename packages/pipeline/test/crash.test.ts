import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { expectExactlyOnce } from './harness/expectations.ts';
import { runChild, type ChildTask } from './harness/child.ts';
import { collected, makeWorkload, type Workload } from './harness/records.ts';
import { createTestLake, smallBatches, type TestLake } from './harness/test-lake.ts';

/** Small batches, so that a run has many commits and every point is passed more than once. */

const catchUp: ChildTask['steps'] = ['catch-up'];

/** The point, how often it is passed before the kill, and what the process does to pass it. */
const points: readonly (readonly [string, ChildTask['steps']])[] = [
  ['delta-parquet-written:1', catchUp],
  ['delta-parquet-written:4', catchUp],
  ['ingest-staged:1', catchUp],
  ['ingest-staged:2', catchUp],
  ['delta-before-commit:1', catchUp],
  ['delta-before-commit:3', catchUp],
  ['delta-after-commit:1', catchUp],
  ['delta-after-commit:4', catchUp],
  ['ingest-between-dead-letters-and-duplicates:1', catchUp],
  ['ingest-between-dead-letters-and-duplicates:2', catchUp],
  ['ingest-between-duplicates-and-silver:1', catchUp],
  ['ingest-between-duplicates-and-silver:2', catchUp],
  ['ingest-after-silver:1', catchUp],
  ['ingest-after-silver:2', catchUp],
  ['dedupe-before-save:1', catchUp],
  ['dedupe-run-written:1', catchUp],
  ['dedupe-after-save:1', catchUp],
  ['delta-checkpoint-written:1', ['checkpoint-often', 'catch-up']],
  ['delta-checkpoint-written:2', ['checkpoint-often', 'catch-up']],
  ['delta-optimize-before-commit:1', ['catch-up', 'optimize']],
  ['delta-vacuum-deleting:1', ['catch-up', 'optimize', 'vacuum']],
  ['delta-log-cleanup:1', ['catch-up', 'clean-up-log']],
  ['log-retention-deleting:1', ['catch-up', 'retention']],
  ['log-retention-deleting:2', ['catch-up', 'retention']],
];

describe('kill -9 at a named point (S4.1, S3.3)', () => {
  let lake: TestLake;
  let workload: Workload;

  beforeEach(async () => {
    lake = await createTestLake();
    workload = makeWorkload('a', 600, Date.now() - 60_000);
    const writer = await lake.log({ segmentBytes: 64_000 }).openWriter();
    for (let from = 0; from < workload.records.length; from += 25) {
      await writer.append(workload.records.slice(from, from + 25));
    }
    await writer.close();
    // The tables exist before the first crash: creating them is the next test's matter.
    const owner = await lake.open();
    await owner.close();
  });
  afterEach(() => lake.remove());

  it.each(points)('%s: the next process makes it whole', async (crashAt, steps) => {
    const killed = await runChild({ home: lake.paths.home, crashAt, steps, settings: smallBatches });
    expect(killed.signal, killed.stderr).toBe('SIGKILL');
    const owner = await lake.open();
    await owner.catchUp(() => undefined);
    await expectExactlyOnce(owner, workload);
    await owner.close();
  });
});

describe('kill -9 while the tables are created', () => {
  it.each([1, 2, 3])('after table %i of three: the next process creates the others', async (created) => {
    const lake = await createTestLake();
    const workload = makeWorkload('c', 60, Date.now() - 60_000);
    await lake.append(workload.records);
    const killed = await runChild({
      home: lake.paths.home,
      crashAt: `lake-table-created:${created}`,
      steps: catchUp,
    });
    expect(killed.signal, killed.stderr).toBe('SIGKILL');
    const owner = await lake.open();
    await owner.catchUp(() => undefined);
    await expectExactlyOnce(owner, workload);
    await owner.close();
    await lake.remove();
  });
});

describe('kill -9 in a restore of Silver (S4.3)', () => {
  it.each([
    ['delta-before-commit:1', 'the dedupe state is forgotten, Silver not yet restored'],
    ['delta-after-commit:1', 'Silver is restored, nothing read again yet'],
  ])('%s: %s', async (crashAt) => {
    const lake = await createTestLake();
    const workload = makeWorkload('r', 200, Date.now() - 60_000);
    await lake.append(workload.records);
    const owner = await lake.open({ settings: smallBatches });
    await owner.catchUp(() => undefined);
    await owner.close();
    const killed = await runChild({ home: lake.paths.home, crashAt, steps: ['restore'] });
    expect(killed.signal, killed.stderr).toBe('SIGKILL');
    // What the window must still know, or know again: every id comes once more.
    const events = [...workload.silverIds].filter((id) => !id.includes('foreign'));
    await lake.append(events.map((id) => collected(id, 'again', Date.now())));
    const again = await lake.open();
    await again.catchUp(() => undefined);
    await expectExactlyOnce(again, {
      ...workload,
      records: [...workload.records, ...events.map((id) => collected(id, 'again', Date.now()))],
      duplicates: workload.duplicates + events.length,
    });
    await again.close();
    await lake.remove();
  });
});

describe('verdicts on record are read back (S4.1)', () => {
  it.each(['ingest-between-dead-letters-and-duplicates', 'ingest-between-duplicates-and-silver'])(
    '%s: another batch size and a changed contract change nothing',
    async (at) => {
      const lake = await createTestLake();
      const workload = makeWorkload('b', 300, Date.now() - 60_000);
      const writer = await lake.log().openWriter();
      await writer.append(workload.records);
      await writer.close();
      const killed = await runChild({ home: lake.paths.home, crashAt: at, steps: ['catch-up'] });
      expect(killed.signal, killed.stderr).toBe('SIGKILL');
      // Under this contract the foreign records, whose validity is on record, would be too long.
      const owner = await lake.open({
        contract: { maxEventBytes: 1024, maxDepth: 2 },
        settings: smallBatches,
      });
      await owner.catchUp(() => undefined);
      await expectExactlyOnce(owner, workload);
      await owner.close();
      await lake.remove();
    },
  );
});
