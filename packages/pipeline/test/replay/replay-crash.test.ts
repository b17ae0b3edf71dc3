import { expect, it } from 'vitest';
import { runChild, type ChildTask } from '../harness/child.ts';
import { collected, refused } from '../harness/records.ts';
import { lakeAppender, replayAll } from '../harness/replays.ts';
import { createTestLake } from '../harness/test-lake.ts';

/** More than one append takes. */
const letters = 600;
const now = Date.now() - 60_000;

const replay: ChildTask['steps'] = ['replay'];
const whole: ChildTask['steps'] = ['replay', 'catch-up'];

it.each<[string, ChildTask['steps']]>([
  ['replay-before-append:1', replay],
  ['replay-before-append:3', replay],
  ['log-after-write-before-sync:2', replay],
  ['log-after-sync-before-ack:2', replay],
  ['replay-after-append:1', replay],
  ['replay-after-append:3', replay],
  ['ingest-staged:1', whole],
  ['delta-parquet-written:1', whole],
  ['delta-before-commit:1', whole],
  ['delta-after-commit:1', whole],
  ['ingest-between-dead-letters-and-duplicates:1', whole],
  ['ingest-between-duplicates-and-silver:1', whole],
  ['ingest-after-silver:1', whole],
  ['dedupe-before-save:1', whole],
  ['dedupe-run-written:1', whole],
  ['dedupe-after-save:1', whole],
])(
  'kill -9 at %s of a replay, then the same again: nothing is lost or double (S8)',
  async (crashAt, steps) => {
    const lake = await createTestLake();
    const bad = Array.from({ length: letters }, (_, index) =>
      refused(JSON.stringify({ event_type: 'page_view', user_id: index }), now + index),
    );
    await lake.append([collected('other', 'ben', now), ...bad], 200);
    const first = await lake.open();
    await first.catchUp(() => undefined);
    await first.close();

    const killed = await runChild({ home: lake.paths.home, crashAt, steps });
    expect(killed.signal, killed.stderr).toBe('SIGKILL');

    const owner = await lake.open();
    const again = { changes: ['set user_id=ada'] };
    // Once with what the killed process appended still in the log alone, and once with all of it committed.
    const { accepted } = await replayAll(owner, lakeAppender(lake), again);
    await owner.catchUp(() => undefined);
    expect(await replayAll(owner, lakeAppender(lake), again)).toMatchObject({
      accepted: 0,
      rejected: 0,
      'replayed-before': letters,
    });
    const ledger = await owner.ledger({ deep: true });
    expect(ledger).toMatchObject({
      silver: letters + 1,
      dead_letters: letters,
      in_flight: 0,
      balanced: true,
      deep: { missing: [], repeated: [] },
    });
    expect(ledger.duplicates).toBeLessThanOrEqual(accepted);
    await owner.close();
    await lake.remove();
  },
);

/*
 * Replayed twice before any of it is ingested, and some are rejected again: so ingest commits dead letters, duplicates
 * and Silver, in this order (S4.1).
 */
it.each([
  'ingest-staged:1',
  'delta-parquet-written:1',
  'delta-parquet-written:2',
  'delta-parquet-written:3',
  'delta-before-commit:1',
  'delta-after-commit:1',
  'delta-before-commit:2',
  'delta-after-commit:2',
  'delta-before-commit:3',
  'delta-after-commit:3',
])(
  'kill -9 at %s while replays of all fates are ingested: each has the one it had (S8, S4.1)',
  async (crashAt) => {
    const [good, bad] = [100, 20];
    const lake = await createTestLake();
    const rejected = Array.from({ length: good + bad }, (_, index) =>
      refused(
        JSON.stringify({ event_type: index < good ? 'page_view' : 'nonsense', user_id: index }),
        now + index,
      ),
    );
    await lake.append(rejected, 200);
    const first = await lake.open();
    await first.catchUp(() => undefined);
    await first.close();

    const steps: ChildTask['steps'] = ['replay', 'replay', 'catch-up'];
    const killed = await runChild({ home: lake.paths.home, crashAt, steps });
    expect(killed.signal, killed.stderr).toBe('SIGKILL');

    const owner = await lake.open();
    await owner.catchUp(() => undefined);
    const again = await replayAll(owner, lakeAppender(lake), { changes: ['set user_id=ada'] });
    expect(again).toMatchObject({ accepted: 0, rejected: 0, 'replayed-before': good });
    expect(await owner.ledger({ deep: true })).toMatchObject({
      silver: good,
      duplicates: good,
      dead_letters: good + 3 * bad,
      in_flight: 0,
      balanced: true,
      deep: { missing: [], repeated: [] },
    });
    await owner.close();
    await lake.remove();
  },
);
