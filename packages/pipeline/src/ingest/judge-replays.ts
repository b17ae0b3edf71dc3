import type { DuckDBConnection } from '@duckdb/node-api';
import type { DedupeBatch } from '../dedupe/dedupe-batch.ts';
import type { DedupeIndex } from '../dedupe/dedupe-index.ts';
import type { CommittedVerdicts } from './committed-verdicts.ts';
import type { FoundDuplicates } from './duplicate-table.ts';
import { checkRows, judgeDuplicates } from './judge-duplicates.ts';
import { noReplays, type FindReplays, type RecordPlace, type ReplayPlaces } from './replay-places.ts';

/** A row of a tick's table that replays a dead letter. */
export interface ReplayRow {
  readonly row: number;
  /** `topic:partition:offset` of the dead letter. */
  readonly of: string;
}

/** The tick's replays. DuckDB knows of a column without a value from its statistics: that costs next to nothing. */
export async function readReplayRows(
  connection: DuckDBConnection,
  table: string,
): Promise<readonly ReplayRow[]> {
  const found = await connection.runAndReadAll(
    `SELECT rowid, replay_of FROM ${table} WHERE replay_of IS NOT NULL`,
  );
  return found.getRows().map(([row, of]) => ({ row: Number(row), of: String(of) }));
}

export interface JudgedReplays {
  readonly duplicates: FoundDuplicates;
  /** The replays of this tick that stay. */
  readonly replays: ReplayPlaces;
}

export interface ReplayJudgement {
  readonly dedupe: DedupeIndex;
  readonly batch: DedupeBatch;
  readonly verdicts: CommittedVerdicts;
  readonly dead: ReadonlySet<number>;
  readonly rows: readonly ReplayRow[];
  readonly findReplays: FindReplays;
}

/**
 * Which rows of a tick are duplicates when some of them are replays (S8): of the replays of one dead letter only
 * the first by (received_at, partition, offset) stays that is no duplicate by its id, and none when there was one
 * before. What is left out for its origin never enters the dedupe window.
 */
export async function judgeReplays(judgement: ReplayJudgement): Promise<JudgedReplays> {
  const { dedupe, batch, verdicts, dead, rows, findReplays } = judgement;
  if (rows.length === 0)
    return { duplicates: await judgeDuplicates(dedupe, batch, verdicts, dead), replays: noReplays };

  const placeOf = (row: number): RecordPlace => ({
    partition: batch.partitions[row] ?? 0,
    offset: BigInt(batch.offsets[row] ?? 0),
  });
  const alive = rows.filter(({ row }) => !dead.has(row)).toSorted((a, b) => inOrder(batch, a.row, b.row));
  const taken = await findReplays([...new Set(alive.map(({ of }) => of))]);
  const kept = new Map<string, RecordPlace>();
  const keep = (of: string, place: RecordPlace): void => {
    taken.set(of, place);
    kept.set(of, place);
  };
  let open: ReplayRow[] = [];
  for (const replay of alive) {
    const place = placeOf(replay.row);
    if (!verdicts.uniquenessKnown(place.partition, place.offset)) open.push(replay);
    else if (!verdicts.isDuplicate(place.partition, place.offset)) keep(replay.of, place);
  }

  const byOrigin: { row: number; first: RecordPlace }[] = [];
  /** Of each dead letter that has not been replayed the first; of the others no more than that they repeat. */
  const nextCandidates = (): ReplayRow[] => {
    const candidates = new Map<string, ReplayRow>();
    const waiting: ReplayRow[] = [];
    for (const replay of open) {
      const first = taken.get(replay.of);
      if (first !== undefined) byOrigin.push({ row: replay.row, first });
      else if (candidates.has(replay.of)) waiting.push(replay);
      else candidates.set(replay.of, replay);
    }
    open = waiting;
    return [...candidates.values()];
  };
  const settle = (candidates: readonly ReplayRow[], found: FoundDuplicates): void => {
    const repeated = new Set(found.rows);
    for (const { row, of } of candidates) if (!repeated.has(row)) keep(of, placeOf(row));
  };

  let candidates = nextCandidates();
  const leftOut = new Set([...dead, ...byOrigin.map(({ row }) => row), ...open.map(({ row }) => row)]);
  let duplicates = await judgeDuplicates(dedupe, batch, verdicts, leftOut);
  settle(candidates, duplicates);
  while (open.length > 0) {
    candidates = nextCandidates();
    const more = await checkRows(
      dedupe,
      batch,
      candidates.map(({ row }) => row),
    );
    settle(candidates, more);
    duplicates = joined(duplicates, more);
  }
  return { duplicates: joined(duplicates, duplicatesByOrigin(byOrigin)), replays: kept };
}

function inOrder({ receivedAt, partitions, offsets }: DedupeBatch, a: number, b: number): number {
  return (
    (receivedAt[a] ?? 0) - (receivedAt[b] ?? 0) ||
    (partitions[a] ?? 0) - (partitions[b] ?? 0) ||
    (offsets[a] ?? 0) - (offsets[b] ?? 0)
  );
}

function duplicatesByOrigin(
  found: readonly { readonly row: number; readonly first: RecordPlace }[],
): FoundDuplicates {
  return {
    rows: found.map(({ row }) => row),
    firstPartitions: found.map(({ first }) => first.partition),
    firstOffsets: found.map(({ first }) => first.offset),
    recorded: [],
  };
}

function joined(a: FoundDuplicates, b: FoundDuplicates): FoundDuplicates {
  return {
    rows: [...a.rows, ...b.rows],
    firstPartitions: [...a.firstPartitions, ...b.firstPartitions],
    firstOffsets: [...a.firstOffsets, ...b.firstOffsets],
    recorded: [...a.recorded, ...b.recorded],
  };
}
