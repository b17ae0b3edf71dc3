import { expect, test } from 'vitest';
import { startHarness } from './harness.ts';

test('the README’s request is answered as it says', async () => {
  await using harness = await startHarness();
  const { json } = await harness.post(
    '[{"event_id":"e1","event_type":"page_view","user_id":"u1"},{"event_type":"page_view","user_id":7}]',
  );
  expect(json.results).toMatchObject([
    { event_id: 'e1', status: 'accepted', partition: 1, offset: 0 },
    { event_id: null, status: 'rejected', field: 'user_id', reason: 'wrong_type', partition: 0, offset: 0 },
  ]);
});
