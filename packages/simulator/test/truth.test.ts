import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createTruthTally,
  createTruthWriter,
  readTruth,
  type TruthEvent,
  type TruthLine,
} from '@clicklake/simulator';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { backFill, factsOf } from './records.ts';

let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'clicklake-truth-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const records = backFill(5000, 7, { malformedRate: 0.05, duplicateRate: 0.05 });

async function linesOf(path: string): Promise<TruthLine[]> {
  const lines: TruthLine[] = [];
  for await (const line of readTruth(path)) lines.push(line);
  return lines;
}

describe('the truth file', () => {
  it('has a line for each record and a summary that equals a recount', async () => {
    const path = join(directory, 'whole.ndjson');
    const writer = createTruthWriter(path);
    for (let from = 0; from < records.length; from += 700) {
      writer.delivered(records.slice(from, from + 700), { resent: [] });
    }
    const summary = writer.close();
    const lines = await linesOf(path);
    expect(lines).toHaveLength(records.length + 1);
    expect(lines.at(-1)).toEqual(summary);

    const recount = createTruthTally();
    for (const line of lines) recount.add(line);
    expect(recount.summary()).toEqual(summary);

    const events = factsOf(records);
    const ofKind = (kind: string): number => records.filter((record) => record.kind === kind).length;
    expect(summary).toMatchObject({
      records: records.length,
      silver: new Set(events.map((event) => event.eventId)).size,
      duplicates: ofKind('duplicate'),
      dead_letters: ofKind('malformed'),
      resent_valid: 0,
      resent_malformed: 0,
      undelivered: 0,
      late: events.filter((event) => event.lateBy > 0).length,
      bots: events.filter((event) => event.isBot).length,
    });
    expect(Object.values(summary.malformed).reduce((sum, number) => sum + number, 0)).toBe(
      summary.dead_letters,
    );
  });

  it('holds what Gold is computed from: the facts of every event', async () => {
    const path = join(directory, 'facts.ndjson');
    const writer = createTruthWriter(path);
    writer.delivered(records, { resent: [] });
    writer.close();
    const lines = (await linesOf(path)).filter((line): line is TruthEvent => line.kind === 'event');
    expect(
      lines.map((line) => ({
        eventId: line.event_id,
        eventType: line.event_type,
        eventName: line.event_name,
        userId: line.user_id,
        anonymousId: line.anonymous_id,
        sessionId: line.session_id,
        productId: line.product_id,
        timestamp: Date.parse(line.timestamp),
        timeOnPage: line.time_on_page,
        isBot: line.is_bot,
        lateBy: line.late_by ?? 0,
      })),
    ).toEqual(factsOf(records));
  });

  it('says which records may be there more than once, and which not at all', async () => {
    const path = join(directory, 'troubled.ndjson');
    const [valid, twice] = records.filter((record) => record.kind === 'event');
    const malformed = records.find((record) => record.kind === 'malformed');
    if (valid === undefined || twice === undefined || malformed === undefined)
      throw new Error('no such records');
    const writer = createTruthWriter(path);
    writer.delivered([valid, twice, malformed], { resent: [twice, twice, malformed] });
    writer.undelivered([valid]);
    writer.close();
    const lines = await linesOf(path);
    expect(lines.slice(0, 4)).toMatchObject([
      { event_id: valid.eventId },
      { event_id: twice.eventId, sends: 3 },
      { kind: 'malformed', sends: 2 },
      { event_id: valid.eventId, delivered: false },
    ]);
    expect(lines[0]).not.toHaveProperty('sends');
    expect(lines.at(-1)).toMatchObject({ resent_valid: 2, resent_malformed: 1, undelivered: 1 });
  });

  it('gives the summary again when closed again', () => {
    const writer = createTruthWriter(join(directory, 'closed.ndjson'));
    writer.delivered(records.slice(0, 10), { resent: [] });
    expect(writer.close()).toEqual(writer.close());
  });

  it.each([
    ['cut short', '{"kind":"duplicate","expected":"duplicates","event_id":"a"}\n'],
    ['empty', ''],
    ['something else', '{"name":"clicklake"}\n'],
    ['no JSON', 'hello\n'],
  ])('is refused when %s', async (_name, text) => {
    const path = join(directory, 'wrong.ndjson');
    await writeFile(path, text);
    await expect(linesOf(path)).rejects.toMatchObject({ code: 'simulator-truth-unreadable' });
  });
});
