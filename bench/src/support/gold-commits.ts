import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { LakePaths } from '@clicklake/pipeline';

export interface Commit {
  readonly version: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly transactions: ReadonlyMap<string, number>;
  readonly addedBytes: number;
}

/** What the logs of Silver and Gold say, by table; and the bytes of Gold's logs. */
export interface Commits {
  readonly silver: readonly Commit[];
  readonly gold: ReadonlyMap<string, readonly Commit[]>;
  readonly goldLogBytes: number;
}

export async function commitsOf(paths: LakePaths): Promise<Commits> {
  const gold = new Map<string, readonly Commit[]>();
  let goldLogBytes = 0;
  for (const name of await readdir(paths.gold)) {
    const log = join(paths.gold, name, '_delta_log');
    gold.set(name, await readLog(log));
    for (const file of await readdir(log)) goldLogBytes += (await stat(join(log, file))).size;
  }
  return { silver: await readLog(join(paths.tables.silver, '_delta_log')), gold, goldLogBytes };
}

async function readLog(directory: string): Promise<readonly Commit[]> {
  const names = (await readdir(directory)).filter((name) => /^\d{20}\.json$/.test(name)).sort();
  return await Promise.all(
    names.map(async (name) =>
      commitOf(Number(name.slice(0, 20)), await readFile(join(directory, name), 'utf8')),
    ),
  );
}

interface Action {
  readonly commitInfo?: { readonly timestamp: number };
  readonly txn?: { readonly appId: string; readonly version: number };
  readonly add?: { readonly size: number };
}

function commitOf(version: number, text: string): Commit {
  const transactions = new Map<string, number>();
  let at = 0;
  let addedBytes = 0;
  for (const line of text.split('\n').filter(Boolean)) {
    const { commitInfo, txn, add } = JSON.parse(line) as Action;
    at = commitInfo?.timestamp ?? at;
    if (txn !== undefined) transactions.set(txn.appId, txn.version);
    addedBytes += add?.size ?? 0;
  }
  return { version, at, transactions, addedBytes };
}

export function goldBytes({ gold }: Commits): number {
  return [...gold.values()].flat().reduce((sum, { addedBytes }) => sum + addedBytes, 0);
}

/** Ingest's commits to Silver that are not among the earlier ones. */
export function ingestCommits({ silver }: Commits, before: Commits): readonly Commit[] {
  const seenBefore = new Set(before.silver.map(({ version }) => version));
  return silver.filter(
    ({ version, transactions }) =>
      !seenBefore.has(version) &&
      [...transactions.keys()].some((appId) => appId.startsWith('clicklake-clickstream-events')),
  );
}

/** For each of them that Gold has got to: milliseconds until the last of Gold's tables stood for it. */
export function goldLags(commits: Commits, before: Commits): readonly number[] {
  const { gold } = commits;
  return ingestCommits(commits, before).flatMap(({ version, at }) => {
    const reached = [...gold.keys()].map((name) => reachedAt(gold, name, version));
    return reached.some((time) => time === undefined)
      ? []
      : [Math.max(...reached.filter((time) => time !== undefined)) - at];
  });
}

/** When a table first stood for a version of Silver, itself or through what it is made from. */
function reachedAt(gold: Commits['gold'], name: string, silverVersion: number): number | undefined {
  const commits = gold.get(name) ?? [];
  const inputs = inputsOf(commits);
  const conditions = inputs.map((input): readonly [string, number] | undefined => {
    if (input === 'clickstream.silver') return [input, silverVersion];
    const upstream = firstFor(gold.get(input) ?? [], 'clickstream.silver', silverVersion);
    return upstream === undefined ? undefined : [input, upstream.version];
  });
  const found = commits.find(({ transactions }) =>
    conditions.every(
      (condition) =>
        condition !== undefined &&
        (transactions.get(`clicklake-refresh-${condition[0]}`) ?? -1) >= condition[1],
    ),
  );
  return found?.at;
}

function firstFor(commits: readonly Commit[], input: string, version: number): Commit | undefined {
  return commits.find(
    ({ transactions }) => (transactions.get(`clicklake-refresh-${input}`) ?? -1) >= version,
  );
}

function inputsOf(commits: readonly Commit[]): readonly string[] {
  const names = commits.flatMap(({ transactions }) => [...transactions.keys()]);
  return [...new Set(names)]
    .filter((appId) => appId.startsWith('clicklake-refresh-') && !/-(model|offset-\d+)$/.test(appId))
    .map((appId) => appId.slice('clicklake-refresh-'.length));
}
