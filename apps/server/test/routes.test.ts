import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiError, type BackFillLine, type BackFillRequest } from '@clicklake/server';
import { startTestServer, type RunningServer } from './support/running-server.ts';

let server: RunningServer;
const backFills: BackFillRequest[] = [];

beforeAll(async () => {
  server = await startTestServer({
    events: 120,
    deadLetters: 2,
    backFill(request, { onProgress }) {
      backFills.push(request);
      if (request.seed === 'refuse') {
        return Promise.reject(new ApiError({ code: 'not-here', message: 'No.', hint: 'Elsewhere.' }));
      }
      onProgress({ written: request.events });
      return Promise.resolve({ accepted: request.events, rejected: 0 });
    },
  });
});

afterAll(() => server.stop());

async function json(path: string): Promise<unknown> {
  return (await server.call(path)).json();
}

async function post(path: string, body: unknown = {}): Promise<{ status: number; body: unknown }> {
  const answer = await server.call(path, { method: 'POST', body });
  return { status: answer.status, body: await answer.json() };
}

describe('what can be read', () => {
  it('counts both sides of the ledger (S4.2)', async () => {
    expect(await json('/api/ledger')).toMatchObject({
      appended: 122,
      silver: 120,
      dead_letters: 2,
      in_flight: 0,
      balanced: true,
    });
    expect(await json('/api/ledger?deep')).toMatchObject({
      balanced: true,
      deep: { missing: [], repeated: [] },
    });
  });

  it('lists tables, and tells about one of them', async () => {
    const { tables } = (await json('/api/tables')) as { tables: { name: string; rows: number }[] };
    expect(tables.map(({ name, rows }) => [name, rows])).toEqual([
      ['silver', 120],
      ['dead_letters', 2],
      ['duplicates', 0],
    ]);
    expect(await json('/api/tables/silver/detail')).toMatchObject({
      name: 'silver',
      partitionColumns: ['event_date'],
    });
    const { commits } = (await json('/api/tables/silver/history?limit=1')) as { commits: unknown[] };
    expect(commits).toHaveLength(1);
  });

  it('names the tables to whoever asks for another', async () => {
    const answer = await server.call('/api/tables/gold/detail');
    expect(answer.status).toBe(404);
    expect(await answer.json()).toMatchObject({
      code: 'not-found',
      hint: expect.stringContaining('silver') as string,
    });
  });

  it('shows dead letters with their bytes', async () => {
    const { deadLetters } = (await json('/api/dead-letters?limit=1')) as {
      deadLetters: { offset: number }[];
    };
    expect(deadLetters).toHaveLength(1);
    expect(await json('/api/dead-letters/clickstream-errors/0/1')).toMatchObject({
      reason: 'malformed_json',
      raw: '<script>alert(1)</script>',
    });
    expect((await server.call('/api/dead-letters/clickstream-errors/0/99')).status).toBe(404);
    expect((await server.call('/api/dead-letters/clickstream-errors/0/x')).status).toBe(400);
  });

  it('traces an event, whatever text its id is', async () => {
    const { rows } = (await post('/api/sql', { sql: 'SELECT event_id FROM silver LIMIT 1' })).body as {
      rows: string[][];
    };
    const eventId = String(rows[0]?.[0]);
    expect(await json(`/api/trace?event_id=${encodeURIComponent(eventId)}`)).toMatchObject({
      eventId,
      records: [{ verdict: 'valid', committed: true, log: { state: 'held' }, silver: { movedBy: null } }],
    });
    for (const id of [`'; DROP TABLE silver; --`, '%', 'a/b?c', '😀'.repeat(32)])
      expect(await json(`/api/trace?event_id=${encodeURIComponent(id)}`)).toMatchObject({
        eventId: id,
        looked: { silverRows: 120, deadLetterRows: 2 },
        records: [],
      });
    for (const query of ['', '?event_id=', `?event_id=${'x'.repeat(257)}`, '?event_id=x&more=y'])
      expect((await server.call(`/api/trace${query}`)).status).toBe(400);
  });

  it('describes the topics', async () => {
    const { topics } = (await json('/api/topics')) as { topics: { lag: number; endOffset: number }[] };
    expect(topics).toHaveLength(4);
    expect(topics.reduce((sum, { endOffset }) => sum + endOffset, 0)).toBe(122);
    expect(topics.every(({ lag }) => lag === 0)).toBe(true);
  });
});

describe('SQL', () => {
  it('answers one statement, with what it stands for', async () => {
    const { body } = await post('/api/sql', {
      sql: 'SELECT count(*) AS n, count(DISTINCT event_id) AS d FROM silver',
    });
    expect(body).toMatchObject({
      columns: [{ name: 'n', type: 'BIGINT' }, { name: 'd' }],
      rows: [[120, 120]],
      truncated: false,
      pinned: { silverVersion: expect.any(Number) as number },
    });
  });

  it('cuts the answer at the rows that were asked for', async () => {
    const { body } = await post('/api/sql', { sql: 'SELECT * FROM silver', maxRows: 5 });
    expect(body).toMatchObject({ rowCount: 5, truncated: true });
  });

  it.each([
    ['DELETE FROM silver', 'query-not-allowed'],
    ["COPY silver TO '/tmp/x.csv'", 'query-not-allowed'],
    ['SELECT nothing FROM silver', 'query-syntax'],
  ])('refuses %s', async (sql, code) => {
    const { status, body } = await post('/api/sql', { sql });
    expect(status).toBe(400);
    expect(body).toMatchObject({
      code,
      message: expect.any(String) as string,
      hint: expect.any(String) as string,
    });
  });

  it('cancels the query of a client that goes away', async () => {
    const leave = new AbortController();
    const endless = 'SELECT count(*) FROM silver a, silver b, silver c, silver d, silver e, silver f';
    const asked = server.call('/api/sql', { method: 'POST', body: { sql: endless }, signal: leave.signal });
    // The engine has one connection: this one waits for it, then shows that the first had it.
    const waiting = post('/api/sql', { sql: 'SELECT 1 AS one' });
    leave.abort();
    await expect(asked).rejects.toThrow();
    expect((await waiting).body).toMatchObject({ rows: [[1]] });
  });
});

describe('what changes tables', () => {
  it('optimizes, and says when there is nothing to do', async () => {
    expect(await post('/api/tables/silver/optimize')).toMatchObject({
      status: 200,
      body: { filesAdded: expect.any(Number) as number },
    });
  });

  it('lists what a vacuum would delete', async () => {
    expect(await post('/api/tables/silver/vacuum', { dryRun: true })).toMatchObject({
      status: 200,
      body: { dryRun: true },
    });
  });

  it('refuses options that it does not know, and values of the wrong type', async () => {
    expect(await post('/api/tables/silver/vacuum', { dry_run: true })).toMatchObject({
      status: 400,
      body: { code: 'request-invalid' },
    });
    expect(await post('/api/tables/silver/restore', { version: '1' })).toMatchObject({
      status: 400,
      body: { code: 'request-invalid' },
    });
  });

  it('has nothing to skip in a sound log, and knows its partitions', async () => {
    expect(await post('/api/topics/clickstream-events/2/skip-corrupt')).toEqual({
      status: 200,
      body: { skipped: [] },
    });
    expect((await post('/api/topics/clickstream-events/3/skip-corrupt')).status).toBe(404);
    expect((await post('/api/topics/toString/0/skip-corrupt')).status).toBe(404);
  });
});

describe('jobs (S7.4)', () => {
  it('are run when asked for, and what they did is on record', async () => {
    const { status, body } = await post('/api/jobs/maintenance/run');
    expect(status).toBe(200);
    expect(body).toMatchObject({ job: 'maintenance', trigger: 'manual', outcome: 'succeeded', error: null });
    const { runs } = (await (await server.call('/api/runs?limit=1')).json()) as { runs: unknown[] };
    expect(runs).toEqual([body]);
    const { jobs } = (await (await server.call('/api/jobs')).json()) as { jobs: { name: string }[] };
    expect(jobs.map(({ name }) => name)).toEqual(['refresh', 'maintenance', 'retention']);
    const overview: unknown = await (await server.call('/api/overview')).json();
    expect(overview).toMatchObject({
      jobs: { failing: [], recordProblem: null, gold: { goldVersion: null } },
    });
  });

  it('have names, and filters of their runs have a form', async () => {
    expect((await post('/api/jobs/no%20such/run')).status).toBe(404);
    expect((await server.call('/api/runs?limit=many')).status).toBe(400);
    expect((await server.call('/api/runs?jab=refresh')).status).toBe(400);
    expect(await (await server.call('/api/runs?job=refresh&failed')).json()).toEqual({ runs: [] });
  });
});

describe('a back-fill', () => {
  async function lines(body: unknown): Promise<BackFillLine[]> {
    const answer = await server.call('/api/back-fill', { method: 'POST', body });
    const text = await answer.text();
    return text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as BackFillLine);
  }

  it('tells its progress, then its result', async () => {
    const request = { events: 10, days: 2, seed: 's', endAt: 1_700_000_000_000, lateRate: 0.5 };
    expect(await lines(request)).toEqual([
      { progress: { written: 10 } },
      { result: { accepted: 10, rejected: 0 } },
    ]);
    expect(backFills).toContainEqual(request);
  });

  it('tells its failure', async () => {
    const [line] = await lines({ events: 10, days: 2, seed: 'refuse', endAt: 0 });
    expect(line).toEqual({ error: { code: 'not-here', message: 'No.', hint: 'Elsewhere.' } });
  });
});

describe('errors', () => {
  it.each([
    ['GET', '/api/nothing', undefined, 404],
    ['POST', '/api/sql', '{', 400],
    ['POST', '/api/sql', '{}', 400],
    ['POST', '/api/sql', `{"sql":"${'x'.repeat(2_000_000)}"}`, 400],
  ])('are JSON with a code, a message and a hint: %s %s', async (method, path, body, status) => {
    const answer = await server.call(path, {
      method,
      headers: { 'content-type': 'application/json' },
      ...(body !== undefined && { rawBody: body }),
    });
    expect(answer.status).toBe(status);
    const keys = Object.keys((await answer.json()) as object);
    expect(keys).toEqual(expect.arrayContaining(['code', 'message', 'hint']));
  });
});
