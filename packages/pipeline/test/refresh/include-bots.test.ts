import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { onALake, visit } from './gold-bench.ts';
import { expectedGold } from './gold-oracle.ts';

const models = join(import.meta.dirname, '../../../../models');

test('with include_bots bots count in Gold as anybody does, and without it they do not: whichever way it is changed (S7.1)', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'clicklake-models-'));
  await cp(models, directory, { recursive: true });
  const file = join(directory, 'dbt_project.yml');
  const original = await readFile(file, 'utf8');
  const setIncludeBots = async (value: boolean): Promise<void> => {
    const changed = original.replace('include_bots: false', `include_bots: ${value}`);
    expect(changed === original).toBe(!value);
    await writeFile(file, changed);
  };
  const bot = { isBot: true, device: 'desktop' };
  try {
    await onALake(
      async ({ send, refresh, gold }) => {
        const sent = [
          visit('ann', 1430, { type: 'product_view', product: 'laptop', seconds: 4 }),
          // A visitor, a date and a product that there is nothing of but for bots.
          visit('crawler', 1431, { ...bot, type: 'product_view', product: 'tablet', seconds: 1 }),
          visit('crawler', 1450, { ...bot, type: 'product_view', product: 'laptop' }),
          visit('crawler', 3 * 1440, bot),
          // The same visitor as a bot and not, which makes or joins sessions.
          visit('ann', 1455, { ...bot, type: 'add_to_cart', product: 'laptop' }),
        ];
        await setIncludeBots(true);
        await send(sent);
        await refresh();
        expect(await gold()).toEqual(expectedGold(sent, { includeBots: true }));

        const more = [
          visit('ann', 1480, { type: 'purchase', product: 'laptop', seconds: 9 }),
          visit('crawler', 1481, { ...bot, type: 'product_view', product: 'laptop', seconds: 2 }),
          visit('crawler', 5 * 1440, bot),
        ];
        await send(more);
        const { models: incremental } = await refresh();
        expect(incremental.map(({ mode }) => mode)).toEqual(incremental.map(() => 'dates'));
        const all = [...sent, ...more];
        expect(await gold()).toEqual(expectedGold(all, { includeBots: true }));

        for (const includeBots of [false, true]) {
          await setIncludeBots(includeBots);
          const { models: anew } = await refresh();
          expect(anew.map(({ mode }) => mode)).toEqual(anew.map(() => 'full'));
          expect(await gold()).toEqual(expectedGold(all, { includeBots }));
        }
        expect(expectedGold(all)).not.toEqual(expectedGold(all, { includeBots: true }));
      },
      undefined,
      { modelsDirectory: directory },
    );
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}, 120_000);
