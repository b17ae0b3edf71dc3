import { cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openEmbeddedLog, type LogWriter, type NewRecord } from '@clicklake/event-log';
import { lakePaths, type LakePaths } from '@clicklake/pipeline';
import { createSimulation } from '@clicklake/simulator';
import { nodeFileSystem } from '@clicklake/durable-files';
import { openBenchOwner } from './bench-owner.ts';
import { recordMaker } from './collected-records.ts';
import { cacheDirectory } from './event-log-fixture.ts';

export interface GoldHistory {
  /** Times the shortest history. */
  readonly factor: number;
  readonly events: number;
  /** A lake of its own, whose Gold stands for everything but the batches. */
  readonly paths: LakePaths;
  /** Commits the next batch to Silver, as ingest did when the fixture was made. */
  commitBatch(): Promise<void>;
  remove(): Promise<void>;
}

export interface GoldHistorySettings {
  readonly factors: readonly number[];
  /** Of the shortest history. */
  readonly days: number;
  readonly eventsPerDay: number;
  readonly batches: number;
  readonly batchEvents: number;
}

const dayMs = 86_400_000;
/** In the evening, when many sessions are open; fixed, so that the fixture is the same on every machine. */
const endAt = Date.UTC(2026, 8, 30, 20);
const lastDate = new Date(endAt).toISOString().slice(0, 10);

/**
 * Histories of different lengths which end alike: the last days of one simulation, in Silver and Gold, and batches
 * of the last day that Silver has in commits of their own and Gold has not seen. Written once into the cache;
 * a measurement works on copies.
 */
export async function goldHistories(
  settings: GoldHistorySettings,
  say: (line: string) => void,
): Promise<readonly GoldHistory[]> {
  const { factors, days, eventsPerDay, batches, batchEvents } = settings;
  const name = `bench-gold-1-${days}x${eventsPerDay}-${batches}x${batchEvents}-${factors.join('-')}`;
  const fixture = join(cacheDirectory(), name);
  if ((await nodeFileSystem.stat(fixture)) === undefined) {
    say(`making ${fixture} (once)`);
    const unfinished = `${fixture}.part`;
    await rm(unfinished, { recursive: true, force: true });
    await makeHistories(unfinished, settings, say);
    await rename(unfinished, fixture);
  }
  return await Promise.all(factors.map((factor) => copyOf(fixture, factor)));
}

async function copyOf(fixture: string, factor: number): Promise<GoldHistory> {
  const source = lakePaths(join(fixture, `x${factor}`));
  const home = join(fixture, `run-${process.pid}-x${factor}`);
  const paths = lakePaths(home);
  await cp(source.lake, paths.lake, { recursive: true });
  const { version, events } = JSON.parse(await readFile(join(source.home, 'silver.json'), 'utf8')) as {
    version: number;
    events: number;
  };
  const entry = (lake: LakePaths, number: number): string =>
    join(lake.tables.silver, '_delta_log', `${String(number).padStart(20, '0')}.json`);
  let next = version + 1;
  for (let later = next; (await nodeFileSystem.stat(entry(paths, later))) !== undefined; later += 1)
    await rm(entry(paths, later));
  return {
    factor,
    events,
    paths,
    async commitBatch() {
      await cp(entry(source, next), `${entry(paths, next)}.part`);
      await rename(`${entry(paths, next)}.part`, entry(paths, next));
      next += 1;
    },
    remove: () => rm(home, { recursive: true, force: true }),
  };
}

interface History {
  readonly paths: LakePaths;
  readonly from: number;
  readonly writer: LogWriter;
  readonly pending: NewRecord[];
  events: number;
}

async function makeHistories(
  directory: string,
  { factors, days, eventsPerDay, batches, batchEvents }: GoldHistorySettings,
  say: (line: string) => void,
): Promise<void> {
  const longest = days * Math.max(...factors);
  const histories: History[] = [];
  for (const factor of factors) {
    const paths = lakePaths(join(directory, `x${factor}`));
    await mkdir(paths.home, { recursive: true });
    const writer = await openEmbeddedLog({ directory: paths.log }).openWriter();
    histories.push({ paths, from: endAt - factor * days * dayMs, writer, pending: [], events: 0 });
  }
  const held = await appendHistory(histories, longest, longest * eventsPerDay, batches * batchEvents);
  for (const { paths, events, writer } of histories) {
    say(`${events} events into Silver and Gold`);
    const owner = await openBenchOwner(paths);
    await owner.catchUp(() => undefined);
    await owner.refresh({ full: false, models: [] });
    const version = owner.state().silverVersion;
    for (let batch = 0; batch < batches; batch += 1) {
      await writer.append(held.slice(batch * batchEvents, (batch + 1) * batchEvents));
      await owner.catchUp(() => undefined);
    }
    if (owner.state().silverVersion !== version + batches)
      throw new Error(`The batches made ${owner.state().silverVersion - version} commits.`);
    await owner.close();
    await writer.close();
    await writeFile(join(paths.home, 'silver.json'), JSON.stringify({ version, events }));
    // A refresh reads Silver only.
    for (const part of [paths.log, join(paths.home, 'state')])
      await rm(part, { recursive: true, force: true });
  }
}

/** @returns the last records of the last date, which are left out. */
async function appendHistory(
  histories: readonly History[],
  days: number,
  events: number,
  heldBack: number,
): Promise<readonly NewRecord[]> {
  const recordOf = recordMaker();
  const held: NewRecord[] = [];
  const append = async (record: NewRecord): Promise<void> => {
    for (const history of histories) {
      if (record.timestamp < history.from) continue;
      history.events += 1;
      history.pending.push(record);
      if (history.pending.length >= 1000) await history.writer.append(history.pending.splice(0));
    }
  };
  const simulation = createSimulation({
    seed: 'gold',
    time: { mode: 'back-fill', endAt, days, events },
    duplicateRate: 0,
    malformedRate: 0,
  });
  for (const event of simulation) {
    const record = recordOf(event);
    if (!isOfLastDate(record)) await append(record);
    else if (held.push(record) > heldBack) await append(held.shift() ?? record);
  }
  for (const { writer, pending } of histories) await writer.append(pending.splice(0));
  return held;
}

function isOfLastDate({ value, timestamp }: NewRecord): boolean {
  if (timestamp < Date.parse(lastDate)) return false;
  return (JSON.parse(String(value)) as { timestamp: string }).timestamp.startsWith(lastDate);
}
