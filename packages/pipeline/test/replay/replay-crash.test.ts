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
  ['ingest-between-dead-letters-and-duplicates:1', whole],
  ['ingest-between-duplicates-and-silver:1', whole],
  ['ingest-after-silver:1', whole],
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
