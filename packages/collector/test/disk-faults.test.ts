import { nodeFileSystem } from '@clicklake/durable-files';
import { faultyFileSystem, noFaults, type Faults } from '@clicklake/durable-files/testing';
import { expect, test } from 'vitest';
import { event, startHarness, storedEvent } from './harness.ts';

test.each([
  ['fills up', { bytesLeft: 5_000 }, 'log-full', 'free space'],
  ['fails an fsync', { syncsLeft: 1 }, 'log-unavailable', 'clicklake status'],
  ['becomes read-only', { readOnly: true }, 'log-unavailable', 'clicklake status'],
] as const)(
  'when the disk %s, senders get 503 and nothing acknowledged is lost (S5)',
  async (_name, fault, code, wayOut) => {
    const faults: Faults = noFaults();
    const failures: unknown[] = [];
    await using harness = await startHarness({
      log: { files: faultyFileSystem(nodeFileSystem, faults) },
      onFailure: (error) => failures.push(error),
    });
    const accepted: unknown[] = [];
    const sendOne = async (id: string): Promise<number> => {
      const { status, json, headers } = await harness.post(
        JSON.stringify([event({ event_id: id }), 'rejected']),
      );
      if (status === 200) accepted.push(id);
      else {
        expect(json).toMatchObject({ code, hint: expect.stringContaining(wayOut) as unknown });
        expect(Number(headers['retry-after'])).toBeGreaterThan(0);
      }
      return status;
    };
    expect(await sendOne('before')).toBe(200);
    Object.assign(faults, fault);
    let status = 200;
    for (let index = 0; status === 200; index += 1) status = await sendOne(`during-${index}`);
    expect(status).toBe(503);
    expect(failures).toHaveLength(1);
    expect(harness.collector.snapshot()).toMatchObject({
      accepted: accepted.length,
      rejected: accepted.length,
      refused: { [code]: 1 },
    });

    Object.assign(faults, noFaults());
    const stored = (await harness.stored('clickstream-events')).map((record) => storedEvent(record).event_id);
    expect(stored).toEqual(accepted);
  },
);
