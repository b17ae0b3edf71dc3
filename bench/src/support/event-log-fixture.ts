import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { createContract, parseEventJson, type Contract } from '@clicklake/contract';
import { openEmbeddedLog, type NewRecord } from '@clicklake/event-log';
import { lakePaths } from '@clicklake/pipeline';
import { createSimulation } from '@clicklake/simulator';

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
  const cache = process.env.CLICKLAKE_CACHE ?? join(homedir(), '.cache', 'clicklake');
  const home = join(cache, `bench-log-2-${events}`);
  const ndjson = join(home, 'values.ndjson');
  if ((await stat(home).catch(() => undefined)) === undefined) {
    say(`writing ${events} events into ${home} (once)`);
    const unfinished = `${home}.part`;
    await rm(unfinished, { recursive: true, force: true });
    await mkdir(unfinished, { recursive: true });
    await fill(unfinished, events, createContract());
    await rename(unfinished, home);
  }
  return { home, ndjson, events, bytes: (await stat(ndjson)).size, lastReceivedAt: endAt };
}

async function fill(home: string, events: number, contract: Contract): Promise<void> {
  const writer = await openEmbeddedLog({ directory: lakePaths(home).log }).openWriter();
  const values = createWriteStream(join(home, 'values.ndjson'));
  const simulation = createSimulation({
    seed: 'bench',
    time: { mode: 'back-fill', endAt, days: 7, events },
    duplicateRate: 0,
    malformedRate: 0,
  });
  let records: NewRecord[] = [];
  let number = 0;
  for (const { bytes, emitAt } of simulation) {
    number += 1;
    const prepared = contract.prepare(parseEventJson(bytes), {
      receivedAt: Math.trunc(emitAt),
      sourceId: 'bench',
      clientIp: null,
      trustBodyIp: true,
      truncateIp: false,
      userAgent: null,
      enrich: () => ({ deviceType: null, browser: null, os: null, isBot: false }),
      newEventId: () => `bench-${number}`,
    });
    if (!prepared.ok) throw new Error(`The simulator made an invalid event: ${prepared.message}`);
    const { key, value } = prepared;
    records.push({
      topic: 'clickstream-events',
      key,
      value,
      timestamp: Math.trunc(emitAt),
      judgedBy: contract.fingerprint,
    });
    if (!values.write(`${value}\n`)) await once(values, 'drain');
    if (records.length < 500) continue;
    await writer.append(records);
    records = [];
  }
  await writer.append(records);
  await writer.close();
  values.end();
  await finished(values);
}
