import { rename } from 'node:fs/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { replayDeadLetters, type ReplayedLetter } from '@clicklake/pipeline';
import { refused } from '../harness/records.ts';
import { lakeAppender, replayAll } from '../harness/replays.ts';
import { createTestLake, type TestLake } from '../harness/test-lake.ts';

let lake: TestLake;
beforeEach(async () => {
  lake = await createTestLake();
});
afterEach(() => lake.remove());

it('a replay of many reads the dead letters once: it goes on when their files are out of reach (S8)', async () => {
  const count = 700;
  const now = Date.now() - 60_000;
  const raw = (index: number): string =>
    JSON.stringify({ event_id: `e${index}`, event_type: 'page_view', user_id: 'ada', time_on_page: '12' });
  await lake.append(Array.from({ length: count }, (_, index) => refused(raw(index), now + index)));
  const owner = await lake.open();
  await owner.catchUp(() => undefined);
  const appender = lakeAppender(lake);
  // Rejected again, so that there are attempts to look up, and origins of them.
  await replayAll(owner, appender, { select: { filter: {}, limit: 300 }, changes: [] });
  await owner.catchUp(() => undefined);

  const letters: ReplayedLetter[] = [];
  const away = `${lake.paths.tables.dead_letters}-away`;
  const result = await replayDeadLetters(
    { lake: owner, appender },
    {
      select: { filter: {}, limit: 10_000 },
      changes: ['cast time_on_page=integer'],
      dryRun: false,
      onlyValid: false,
    },
    {
      onProgress: () => undefined,
      async onLetter(letter) {
        if (letters.length === 0) await rename(lake.paths.tables.dead_letters, away);
        letters.push(letter);
      },
    },
  );
  await rename(away, lake.paths.tables.dead_letters);
  expect(result).toMatchObject({ accepted: count, rejected: 0 });
  expect(new Set(letters.map(({ event_id: id }) => id)).size).toBe(count);
  await owner.catchUp(() => undefined);
  expect(await owner.ledger({ deep: true })).toMatchObject({
    silver: count,
    dead_letters: count + 300,
    duplicates: 0,
    balanced: true,
  });
  await owner.close();
});
