import { DuckDBInstance } from '@duckdb/node-api';
import { expect } from 'vitest';
import type { LakeOwner, Ledger, TableCommit } from '@clicklake/pipeline';
import type { Workload } from './records.ts';

/** The ledger balances to the last offset, and Silver holds exactly the workload's ids, each once. */
export async function expectExactlyOnce(owner: LakeOwner, workload: Workload): Promise<void> {
  const ledger = await owner.ledger({ deep: true });
  expect(ledger).toMatchObject({
    appended: workload.records.length,
    silver: workload.silverIds.size,
    duplicates: workload.duplicates,
    dead_letters: workload.deadLetters,
    in_flight: 0,
    unreadable: 0,
    removed: 0,
    balanced: true,
    deep: { missing: [], repeated: [] },
  });
  const ids = await silverIds(owner);
  expect(ids.length).toBe(workload.silverIds.size);
  expect(new Set(ids)).toEqual(workload.silverIds);
}

/** Each offset is in one place, booked removals among them (S4.2). */
export async function expectBalanced(owner: LakeOwner): Promise<Ledger> {
  const ledger = await owner.ledger({ deep: true });
  expect(ledger).toMatchObject({
    balanced: true,
    deep: { missing: [], repeated: [], unbookedRemovals: 0 },
  });
  return ledger;
}

/** Every event_id in the committed table, as often as it is there. */
export async function silverIds(owner: LakeOwner): Promise<string[]> {
  const pin = await owner.pin();
  try {
    const silver = pin.tables.find(({ name }) => name === 'silver');
    const instance = await DuckDBInstance.create(':memory:');
    const connection = await instance.connect();
    const found = await connection.runAndReadAll(`SELECT event_id FROM (${silver?.relationSql ?? ''})`);
    connection.closeSync();
    instance.closeSync();
    return found.getRows().map(([id]) => String(id));
  } finally {
    pin.release();
  }
}

/** Silver's commits of rows, oldest first. */
export async function rowCommits(owner: LakeOwner): Promise<readonly TableCommit[]> {
  const history = (await owner.history('silver', 1000)) ?? [];
  return history.filter(({ operation }) => operation === 'STREAMING UPDATE').toReversed();
}
