import type { CrashPoints } from '@clicklake/durable-files';
import { describe, expect, test } from 'vitest';
import { tableSql } from '../../src/lake/lake-tables.ts';
import { dayStart, everything, minute, onALake, visit } from './gold-bench.ts';
import { expectedGold } from './gold-oracle.ts';

describe('Gold from Silver (S7)', () => {
  test('a user who is active for 5 days without a gap has a session a day, also when one event joins the parts (S7.2, S7.3)', async () => {
    await onALake(async ({ send, refresh, gold }) => {
      const missing = 3 * 1440 + 610;
      const steps = Array.from({ length: (5 * 1440) / 20 }, (_, step) => visit('ann', step * 20));
      const others = [visit('ben', 100), visit('ben', 4 * 1440)];
      const apart = steps.filter(({ at }) => Math.abs(at - dayStart - missing * minute) > 20 * minute);
      await send([...apart, ...others]);
      await refresh();
      expect(await gold()).toEqual(expectedGold([...apart, ...others]));
      const joint = [visit('ann', missing - 10), visit('ann', missing + 10)];
      await send(joint);
      const { models } = await refresh();
      expect(models.find(({ model }) => model === 'user_session_metrics')?.dates.length).toBeGreaterThan(4);
      expect(await gold()).toEqual(expectedGold([...apart, ...others, ...joint]));
    });
  });

  test('only the dates that changed are replaced, and a second run does nothing', async () => {
    await onALake(async ({ send, refresh, owner }) => {
      await send([visit('ann', 700), visit('ben', 1440 + 700), visit('cleo', 2880 + 700)]);
      await refresh();
      await send([visit('ann', 1440 + 720)]);
      const plan = await owner.planRefresh(everything);
      expect(plan.steps.map(({ mode, dates }) => [mode, dates])).toEqual(
        plan.steps.map(() => ['dates', ['2026-05-11']]),
      );
      await refresh();
      const again = await refresh();
      expect(again.models.map(({ mode, version }) => [mode, version])).toEqual(
        again.models.map(() => ['nothing', null]),
      );
    });
  });

  test('after a restore of Silver and another reading of the log Gold is right at each step (S4.3)', async () => {
    await onALake(async ({ send, refresh, gold, owner }) => {
      const first = [visit('ann', 1430), visit('ann', 1450), visit('ben', 10)];
      await send(first);
      await refresh();
      const second = [visit('ann', 1440), visit('cleo', 1441, { type: 'purchase', product: 'laptop' })];
      await send(second);
      await refresh();
      const commits = (await owner.history('silver', 100)) ?? [];
      const before = commits.filter(({ operation }) => operation === 'STREAMING UPDATE')[1];
      await owner.restore('silver', { version: before?.version ?? -1 });
      await refresh();
      expect(await gold()).toEqual(expectedGold(first));
      await owner.catchUp(() => undefined);
      await refresh();
      expect(await gold()).toEqual(expectedGold([...first, ...second]));
    });
  });

  test('rows that a second restore brings back count again, sessions included (S4.3, S7.3)', async () => {
    await onALake(async ({ send, refresh, gold, owner }) => {
      const first = [visit('ann', 1430), visit('ben', 10)];
      await send(first);
      const second = [visit('ann', 1440), visit('cleo', 1441)];
      await send(second);
      await refresh();
      const commits = (await owner.history('silver', 100)) ?? [];
      const [whole, before] = commits.filter(({ operation }) => operation === 'STREAMING UPDATE');
      await owner.restore('silver', { version: before?.version ?? -1, discard: true });
      await refresh();
      expect(await gold()).toEqual(expectedGold(first));
      // The offsets were kept, so they do not tell that these rows are new to Gold.
      await owner.restore('silver', { version: whole?.version ?? -1 });
      await refresh();
      expect(await gold()).toEqual(expectedGold([...first, ...second]));
    });
  });

  test('what fails between two models is taken up where it stopped', async () => {
    let models = 0;
    const failing: CrashPoints = {
      reach(name) {
        if (name === 'refresh-after-model') models += 1;
        if (models === 2) {
          models += 1;
          throw new Error('stopped here');
        }
      },
    };
    await onALake(async ({ send, refresh, gold }) => {
      const all = [visit('ann', 1430), visit('ann', 1450), visit('ben', 10)];
      await send(all);
      await expect(refresh()).rejects.toThrow('stopped here');
      const { models: resumed } = await refresh();
      expect(resumed.map(({ mode }) => mode)).toEqual(['nothing', 'nothing', 'full', 'full', 'full']);
      expect(await gold()).toEqual(expectedGold(all));
    }, failing);
  });

  test('rows that somebody else committed to Silver, without moving its offsets, are in Gold too', async () => {
    await onALake(async ({ lake, send, refresh, gold }) => {
      const own = visit('ann', 700);
      await send([own]);
      await refresh();
      const opened = await lake.tables();
      const { silver } = opened.tables;
      const rows = tableSql(silver, await silver.snapshot());
      await silver.append(`SELECT * REPLACE ('foreign' AS event_id, 'ben' AS user_id) FROM (${rows})`);
      await opened.close();
      await refresh();
      expect(await gold()).toEqual(expectedGold([own, { ...own, id: 'foreign', userId: 'ben' }]));
    });
  });

  test('rows that somebody else committed to Silver between two batches of ours are in Gold too', async () => {
    await onALake(async ({ lake, send, refresh, gold }) => {
      const [first, second] = [visit('ann', 700), visit('ann', 720)];
      await send([first]);
      await refresh();
      const opened = await lake.tables();
      const { silver } = opened.tables;
      const rows = tableSql(silver, await silver.snapshot());
      await silver.append(`SELECT * REPLACE ('foreign' AS event_id, 'ben' AS user_id) FROM (${rows})`);
      await opened.close();
      // The offsets move now, and do not tell of the other row.
      await send([second]);
      await refresh();
      expect(await gold()).toEqual(expectedGold([first, { ...first, id: 'foreign', userId: 'ben' }, second]));
    });
  });

  test('names what is missing', async () => {
    await onALake(async ({ owner, send }) => {
      await expect(owner.refresh(everything)).rejects.toMatchObject({ code: 'refresh-no-silver' });
      await send([visit('u', 1)]);
      await expect(owner.refresh({ full: false, models: ['nope'] })).rejects.toMatchObject({
        code: 'model-unknown-reference',
      });
    });
  });
});
