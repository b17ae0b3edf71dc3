import { openQueryEngine, type QueryEngine } from '@clicklake/query';
import type { LakeOwner } from '@clicklake/pipeline';
import type { TestLake } from './test-lake.ts';

/** A query engine over a lake, as the server has one. */
export function openLakeQueries(lake: TestLake): Promise<QueryEngine> {
  return openQueryEngine({ readableDirectories: [lake.paths.lake], memoryLimitMb: 256 });
}

/** The first row of an answer. */
export async function firstRow(
  engine: QueryEngine,
  owner: LakeOwner,
  sql: string,
): Promise<readonly unknown[]> {
  const { rows } = await engine.run(sql, () => owner.pin());
  return rows[0] ?? [];
}
