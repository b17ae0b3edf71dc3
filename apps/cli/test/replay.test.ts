import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openShell, type RunningCommand, type Shell } from './support/fake-effects.ts';

let shell: Shell;
beforeAll(async () => {
  shell = await openShell();
});
afterAll(() => shell.close());

async function json<Answer>(...argv: string[]): Promise<Answer> {
  const { stdout, stderr, code } = await shell.run(...argv, '--json');
  if (stdout === '') throw new Error(`${argv.join(' ')} ended with ${code}: ${stderr}`);
  return JSON.parse(stdout) as Answer;
}

interface Replayed {
  readonly accepted: number;
  readonly rejected: number;
  readonly letters: readonly {
    place: string;
    status: string;
    before: string;
    after: string;
    record: string;
  }[];
}

/** Sends events with the server's key, and waits until all that was sent is committed. */
async function send(url: unknown, body: string, type = 'application/json'): Promise<void> {
  const keys = await json<{ kind: string; key: string }[]>('keys');
  const key = keys.find(({ kind }) => kind === 'server')?.key ?? '';
  await fetch(`${String(url)}/v1/events`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': type },
    body,
  });
  await shell.run('ingest', '--until-caught-up');
}

async function silver(where: string): Promise<Record<string, unknown>[]> {
  await shell.run('ingest', '--until-caught-up');
  return json('sql', `SELECT * FROM silver WHERE ${where} ORDER BY event_id`);
}

const balanced = { balanced: true, in_flight: 0, deep: { missing: [], repeated: [] } };

describe('dead letters, mended and replayed through `up` (S8)', () => {
  let up: RunningCommand;
  let collectorUrl: unknown;

  beforeAll(async () => {
    up = shell.start('up', '--json', '--no-simulator');
    ({ collectorUrl } = await up.ready);
    const view = { event_type: 'page_view', user_id: 'ada', timestamp: '2026-11-01T08:00:00.000Z' };
    await send(
      collectorUrl,
      JSON.stringify([
        { ...view, event_id: 'typed', time_on_page: '12' },
        { ...view, time_on_page: '13', ip_address: '203.0.113.9' },
        { ...view, event_id: 'nobody', user_id: null, customer: 'ben' },
        { ...view, event_id: 'good', replay_of: 'clickstream-errors:0:0' },
        { ...view, event_type: 'purchased', big: 1 },
      ]).replace('"big":1', '"big":12345678901234567890'),
    );
    await send(collectorUrl, '{"event_type":"page_view","user_id":', 'application/json');
  });

  it('shows them in groups and by filters', async () => {
    const groups = await json<object[]>('dead-letters', 'groups');
    expect(groups).toHaveLength(4);
    expect(groups[0]).toMatchObject({
      reason: 'wrong_type',
      field: 'time_on_page',
      source_id: 'server',
      count: 2,
      replayed: 0,
    });
    expect(await json('dead-letters', 'list', '--group')).toEqual(groups);
    const places = async (...flags: string[]): Promise<number[]> =>
      (await json<{ offset: number }[]>('dead-letters', 'list', ...flags)).map(({ offset }) => offset);
    expect(await places('--field', 'time_on_page')).toEqual([1, 0]);
    expect(await places('--field', 'time_on_page', '--limit', '1')).toEqual([1]);
    expect(await places('--event-type', 'purchased')).toEqual([3]);
    expect(await places('--source', 'web')).toEqual([]);
    expect(await places('--since', '2030-01-01T00:00:00Z')).toEqual([]);
    expect(await places('--until', '2030-01-01T00:00:00Z', '--reason', 'malformed_json')).toEqual([4]);
    expect((await shell.run('dead-letters', 'groups')).stdout).toContain('wrong_type');
  });

  it('a client cannot say that its event is a replay (S1.4)', async () => {
    const [row] = await silver(`event_id = 'good'`);
    expect(row).toMatchObject({ replay_of: null });
    expect(row?.properties).toBe('{"$client.replay_of":"clickstream-errors:0:0"}');
  });

  it('a dry run shows before, after and verdict, and appends nothing', async () => {
    const before = await json<{ appended: number }>('ledger');
    const { letters, ...counts } = await json<Replayed>(
      ...['dead-letters', 'replay', '--field', 'time_on_page', '--cast', 'time_on_page=integer', '--dry-run'],
    );
    expect(counts).toMatchObject({ accepted: 2, rejected: 0, dry_run: true });
    expect(
      letters.map(({ before: from, after }) => [from.includes('"12"'), after.includes('"time_on_page":12')]),
    ).toEqual([
      [true, true],
      [false, false],
    ]);
    const shown = await shell.run(
      'dead-letters',
      'replay',
      'clickstream-errors/0/0',
      '--set',
      'time_on_page=no',
      '--dry-run',
    );
    expect(shown.stdout).toContain('rejected: wrong_type (time_on_page)');
    expect(shown.code).toBe(1);
    expect(await json('ledger')).toMatchObject({ appended: before.appended });
  });

  it('replays by filter, once: the id, the time and the source stay, and where it came from is told', async () => {
    const mend = ['dead-letters', 'replay', '--field', 'time_on_page', '--cast', 'time_on_page=integer'];
    expect(await json(...mend)).toMatchObject({ accepted: 2, rejected: 0 });
    const rows = await silver('replay_of IS NOT NULL');
    expect(rows).toHaveLength(2);
    expect(rows[0]).toMatchObject({
      event_id: 'dl:clickstream-errors:0:1',
      replay_of: 'clickstream-errors:0:1',
      time_on_page: 13,
      source_id: 'server',
      ip_address: '203.0.113.9',
    });
    expect(rows[1]).toMatchObject({
      event_id: 'typed',
      replay_of: 'clickstream-errors:0:0',
      event_date: '2026-11-01',
    });
    expect(await json(...mend)).toMatchObject({ accepted: 0, 'replayed-before': 2 });
    expect(await json('dead-letters', 'list', '--field', 'time_on_page', '--not-replayed')).toEqual([]);
    const [group] = await json<object[]>('dead-letters', 'groups', '--field', 'time_on_page');
    expect(group).toMatchObject({ count: 2, replayed: 2 });
    expect(await json('ledger', '--deep')).toMatchObject({ ...balanced, dead_letters: 5, silver: 3 });
  });

  it('one that fails again is a new dead letter that names its origin; it can be replayed in turn', async () => {
    const wrong = ['dead-letters', 'replay', 'clickstream-errors/0/2', '--set', 'user_id=7'];
    const first = await shell.run(...wrong);
    expect(first.code).toBe(1);
    expect(first.stdout).toContain('rejected: wrong_type (user_id)');
    await shell.run('ingest', '--until-caught-up');
    const [again] = await json<{ offset: number; replay_of: string }[]>(
      'dead-letters',
      'list',
      '--limit',
      '1',
    );
    expect(again).toMatchObject({ replay_of: 'clickstream-errors:0:2', field: 'user_id' });
    expect(await json(...wrong)).toMatchObject({ rejected: 0, 'rejected-before': 1 });
    const place = `clickstream-errors/0/${again?.offset}`;
    expect(await json('dead-letters', 'replay', place, '--set', 'user_id=@customer')).toMatchObject({
      accepted: 1,
    });
    expect(await silver(`replay_of = 'clickstream-errors:0:2'`)).toMatchObject([
      { event_id: 'nobody', user_id: 'ben' },
    ]);
    expect(await json(...wrong)).toMatchObject({ 'replayed-before': 1 });
    expect(await json('ledger', '--deep')).toMatchObject({ ...balanced, dead_letters: 6, silver: 4 });
  });

  it('exports to a file, and takes it back edited; bytes that are no JSON are replaced by it only', async () => {
    const file = join(shell.directory, 'fixed.ndjson');
    expect((await shell.run('dead-letters', 'export', '--not-replayed', '--file', file)).code).toBe(0);
    expect((await shell.run('dead-letters', 'export', '--file', file)).code).toBe(4);
    const lines = (await readFile(file, 'utf8')).trim().split('\n');
    expect(lines).toHaveLength(2);
    expect(
      await json('dead-letters', 'replay', 'clickstream-errors/0/4', '--set', 'user_id=a'),
    ).toMatchObject({ unmendable: 1 });
    await writeFile(
      file,
      lines
        .map((line) =>
          line.replace('purchased', 'purchase').replace('"user_id\\":', '"user_id\\":\\"zoe\\"}'),
        )
        .join('\n'),
    );
    expect(await json('dead-letters', 'replay', '--file', file)).toMatchObject({ accepted: 2, rejected: 0 });
    const rows = await silver(`replay_of IN ('clickstream-errors:0:3', 'clickstream-errors:0:4')`);
    expect(rows).toMatchObject([{ properties: '{"big":12345678901234567890}' }, { user_id: 'zoe' }]);
    expect(await json('ledger', '--deep')).toMatchObject({ ...balanced, duplicates: 0, silver: 6 });
    await writeFile(file, 'no json\n');
    const { code, stderr } = await shell.run('dead-letters', 'replay', '--file', file);
    expect([code, stderr.includes('Line 1')]).toEqual([4, true]);
  });

  it('says what is missing or wrong in a command', async () => {
    for (const argv of [
      [],
      ['--all'],
      ['clickstream-errors/0/0', '--all', '--as-is'],
      ['nowhere', '--as-is'],
      ['--all', '--as-is', '--unset', 'a'],
      ['--all', '--cast', 'a=colour'],
      ['--all', '--set', 'a={'],
    ]) {
      const { code, stderr } = await shell.run('dead-letters', 'replay', ...argv);
      expect([argv, code]).toEqual([argv, 2]);
      expect(stderr).not.toBe('');
    }
    expect(await json('dead-letters', 'replay', 'clickstream-errors/0/99', '--as-is')).toMatchObject({
      'not-found': 1,
    });
  });

  it('the replay key lies in a file of its owner, and opens nothing else; no other key opens the route', async () => {
    const path = join(shell.directory, '.clicklake/secrets/replay-key');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const replayKey = (await readFile(path, 'utf8')).trim();
    const post = async (
      route: string,
      key: string,
      headers: Record<string, string> = {},
      body = '{"replays":[]}',
    ): Promise<number> => {
      const answer = await fetch(`${String(collectorUrl)}/v1/${route}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
        body,
      });
      return answer.status;
    };
    const token = (await readFile(join(shell.directory, '.clicklake/secrets/api-token'), 'utf8')).trim();
    const keys = await json<{ key: string }[]>('keys');
    expect(await post('replays', replayKey)).toBe(200);
    expect(await post('replays', replayKey, { origin: 'http://localhost:1' })).toBe(401);
    for (const key of [token, ...keys.map((one) => one.key)]) expect(await post('replays', key)).toBe(401);
    expect(await post('events', replayKey)).toBe(401);
    // An origin is a place in the log and nothing else: it becomes a part of the record.
    const origin = {
      of: 'clickstream-errors:0:x',
      eventId: null,
      receivedAt: 0,
      form: 'event',
      settled: false,
    };
    const nowhere = JSON.stringify({ replays: [{ origin, sourceId: null, event: '{}' }] });
    expect(await post('replays', replayKey, {}, nowhere)).toBe(400);
  });

  it('works alone when nobody runs, with the log for itself', async () => {
    await send(collectorUrl, JSON.stringify([{ event_type: 'nothing', user_id: 'eve' }]));
    up.signal('SIGTERM');
    await up.outcome;
    expect(
      await json('dead-letters', 'replay', '--event-type', 'nothing', '--set', 'event_type=checkout'),
    ).toMatchObject({
      accepted: 1,
    });
    expect(await silver(`user_id = 'eve'`)).toMatchObject([{ event_type: 'checkout' }]);
    expect(await json('ledger', '--deep')).toMatchObject({ ...balanced, silver: 7 });
  });
});

it('a replay makes no home where none is', async () => {
  const empty = await openShell();
  expect((await empty.run('dead-letters', 'replay', '--all', '--as-is')).code).toBe(0);
  expect(await readdir(empty.directory)).toEqual([]);
  await empty.close();
});

describe('the parts as processes of their own (S6.3, S8)', () => {
  it('a replay goes from the lake’s owner, or from the command, through the collector', async () => {
    const collect = shell.start('collect', '--json');
    const { collectorUrl } = await collect.ready;
    const before = await json<{ silver: number }>('ledger');
    await send(
      collectorUrl,
      JSON.stringify([
        { event_type: 'x1', user_id: 'fay' },
        { event_type: 'x2', user_id: 'fay' },
      ]),
    );
    expect(
      await json('dead-letters', 'replay', '--event-type', 'x1', '--set', 'event_type=checkout'),
    ).toMatchObject({ accepted: 1 });
    const ingest = shell.start('ingest', '--json');
    await ingest.ready;
    expect(
      await json('dead-letters', 'replay', '--event-type', 'x2', '--set', 'event_type=purchase'),
    ).toMatchObject({ accepted: 1 });
    collect.signal('SIGTERM');
    await collect.outcome;
    await shell.run('ingest', '--until-caught-up');
    // With no collector the lake's owner takes the log itself, for as long as it needs it.
    expect(
      await json('dead-letters', 'replay', '--reason', 'unknown_event_type', '--set', 'event_type=purchase'),
    ).toMatchObject({
      accepted: 0,
      'replayed-before': 4,
    });
    expect(await silver(`user_id = 'fay'`)).toHaveLength(2);
    expect(await json('ledger', '--deep')).toMatchObject({ ...balanced, silver: before.silver + 2 });
    ingest.signal('SIGTERM');
    await ingest.outcome;
  });
});
