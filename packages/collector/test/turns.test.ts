import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createTurns } from '../src/turns.ts';

test('bodies are judged in the order they came, so many bytes in a turn of the event loop', async () => {
  const turns = createTurns(100);
  const order: string[] = [];
  const bodies = [60, 40, 1, 500, 20, 20].map(async (bytes, index) => {
    await turns.next(bytes);
    order.push(`body ${index}`);
  });
  for (let turn = 1; turn <= 4; turn += 1) {
    await nextTurn();
    order.push(`turn ${turn}`);
  }
  await Promise.all(bodies);
  expect(order).toEqual([
    ...['body 0', 'body 1', 'turn 1'],
    ...['body 2', 'body 3', 'turn 2'],
    ...['body 4', 'body 5', 'turn 3', 'turn 4'],
  ]);

  // After a pause they begin again.
  await turns.next(1);
});
