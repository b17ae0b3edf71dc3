import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { createContract } from '@clicklake/contract';
import { nodeFileSystem } from '@clicklake/durable-files';
import { openEmbeddedLog, type NewRecord } from '@clicklake/event-log';
import { lakePaths } from '@clicklake/pipeline';
import { createSimulation } from '@clicklake/simulator';
import { recordMaker } from './collected-records.ts';

/** A log full of events as the collector leaves them, and the same values as one NDJSON file. */
export interface EventLogFixture {
  readonly home: string;
  readonly ndjson: string;
  readonly events: number;
  readonly bytes: number;
  readonly lastReceivedAt: number;
}

/** The end of the back-fill: fixed, so that the fixture is the same on every machine. */
const endAt = Date.UTC(2026, 9, 1);

/**
 * Seven days of the simulator's shoppers, valid ones only, written once into a cache outside of the tree
 * (`CLICKLAKE_CACHE`).
 */
export async function eventLogFixture(events: number, say: (line: string) => void): Promise<EventLogFixture> {
  // Records of another contract's judgement would all be judged anew: the time of that is not what is measured.
  const { fingerprint } = createContract();
  const home = join(cacheDirectory(), `bench-log-2-${events}-${fingerprint}`);
  const ndjson = join(home, 'values.ndjson');
  if ((await nodeFileSystem.stat(home)) === undefined) {
    say(`writing ${events} events into ${home} (once)`);
    const unfinished = `${home}.part`;
    await rm(unfinished, { recursive: true, force: true });
    await mkdir(unfinished, { recursive: true });
    await fill(unfinished, events);
    await rename(unfinished, home);
  }
  return { home, ndjson, events, bytes: (await stat(ndjson)).size, lastReceivedAt: endAt };
}

/** Where fixtures are kept, outside of the tree. */
export function cacheDirectory(): string {
  return process.env.CLICKLAKE_CACHE ?? join(homedir(), '.cache', 'clicklake');
}

async function fill(home: string, events: number): Promise<void> {
  const writer = await openEmbeddedLog({ directory: lakePaths(home).log }).openWriter();
  const values = createWriteStream(join(home, 'values.ndjson'));
  const simulation = createSimulation({
    seed: 'bench',
    time: { mode: 'back-fill', endAt, days: 7, events },
    duplicateRate: 0,
    malformedRate: 0,
  });
  let records: NewRecord[] = [];
  const recordOf = recordMaker();
  for (const event of simulation) {
    const record = recordOf(event);
    records.push(record);
    if (!values.write(`${String(record.value)}\n`)) await once(values, 'drain');
    if (records.length < 500) continue;
    await writer.append(records);
    records = [];
  }
  await writer.append(records);
  await writer.close();
  values.end();
  await finished(values);
}
