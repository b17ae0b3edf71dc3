import { access, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openEmbeddedLog } from '@clicklake/event-log';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { input, openShell, type Shell } from './support/fake-effects.ts';

let shell: Shell;
/** For commands that fail half-way. */
let elsewhere: Shell;

beforeAll(async () => {
  [shell, elsewhere] = await Promise.all([openShell(), openShell()]);
});

afterAll(() => Promise.all([shell.close(), elsewhere.close()]));

function parse(stdout: string): unknown {
  return JSON.parse(stdout);
}

describe('a home in which nothing happened yet', () => {
  it('is not made by looking at it', async () => {
    expect(await shell.run('status')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('not running') as string,
    });
    expect(await shell.run('tables')).toMatchObject({ code: 0 });
    expect(parse((await shell.run('topics', '--json')).stdout)).toEqual([]);
    expect(parse((await shell.run('ledger', '--json')).stdout)).toMatchObject({
      appended: 0,
      balanced: true,
    });
    await expect(access(join(shell.directory, '.clicklake'))).rejects.toThrow();
  });

  it.each([
    [['sql', 'SELECT 1'], 4, 'clicklake up'],
    [['table', 'history', 'silver'], 4, 'clicklake up'],
    [['tail', '--no-follow'], 4, 'clicklake up'],
    [['open'], 4, 'clicklake up'],
    [['table', 'detail', 'nothing'], 4, 'silver'],
    [['dead-letters', 'show', 'x'], 4, 'topic/partition/offset'],
  ])('%j is refused with what to do', async (argv, exitCode, hint) => {
    const { code, stderr } = await shell.run(...argv);
    expect(code).toBe(exitCode);
    expect(stderr).toContain(hint);
  });
});

describe('keys', () => {
  it('come in pairs, can be made and revoked, and lie in a file of their owner', async () => {
    const keys = parse((await shell.run('keys', '--json')).stdout) as { kind: string }[];
    expect(keys.map(({ kind }) => kind)).toEqual(['browser', 'server']);
    const made = parse(
      (
        await shell.run(
          'keys',
          'create',
          '--name',
          'shop',
          '--kind',
          'browser',
          '--origin',
          'https://shop.example',
          '--json',
        )
      ).stdout,
    );
    expect(made).toMatchObject({ name: 'shop', sourceId: 'shop', allowedOrigins: ['https://shop.example'] });
    expect((await shell.run('keys')).stdout).toContain('https://shop.example');
    expect((await shell.run('keys', 'revoke', 'shop')).code).toBe(0);
    expect(await shell.run('keys', 'revoke', 'shop')).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('no write key shop') as string,
    });
    const { mode } = await stat(join(shell.directory, '.clicklake/secrets/keys.json'));
    expect(mode & 0o777).toBe(0o600);
  });
});

describe('events from the past to an answer, one command after another', () => {
  it('produce --back-fill writes the log, and the truth about it', async () => {
    const { code, stdout } = await shell.run(
      ...['produce', '--events', '600', '--seed', 's1', '--back-fill', '--days', '3', '--json'],
      ...['--malformed', '0.05', '--duplicates', '0.05', '--truth', join(shell.directory, 'truth.jsonl')],
    );
    expect(code).toBe(0);
    expect(parse(stdout)).toMatchObject({ through: 'the log' });
    const lines = (await readFile(join(shell.directory, 'truth.jsonl'), 'utf8')).trim().split('\n');
    expect(lines).toHaveLength(601);
  });

  it('the ledger holds before any ingest: everything is in flight', async () => {
    const { code, stdout } = await shell.run('ledger', '--json');
    expect(code).toBe(0);
    expect(parse(stdout)).toMatchObject({ appended: 600, silver: 0, in_flight: 600, balanced: true });
  });

  it('ingest --until-caught-up ends when nothing is in flight', async () => {
    const { code, stdout } = await shell.run('ingest', '--until-caught-up', '--json');
    expect(code).toBe(0);
    expect(parse(stdout)).toMatchObject({ processed: 600, inFlight: 0 });
  });

  it('the ledger agrees with the truth file, and has its public names first', async () => {
    const { stdout } = await shell.run('ledger', '--deep', '--json');
    const ledger = parse(stdout) as Record<string, unknown>;
    expect(Object.keys(ledger).slice(0, 8)).toEqual([
      ...[
        'appended',
        'silver',
        'dead_letters',
        'duplicates',
        'in_flight',
        'unreadable',
        'removed',
        'balanced',
      ],
    ]);
    const lines = (await readFile(join(shell.directory, 'truth.jsonl'), 'utf8')).trim().split('\n');
    const truth = parse(lines.at(-1) ?? '') as Record<string, unknown>;
    expect(ledger).toMatchObject({
      appended: 600,
      silver: truth.silver,
      duplicates: truth.duplicates,
      dead_letters: truth.dead_letters,
      in_flight: 0,
      balanced: true,
    });
    expect((await shell.run('ledger')).stdout).toContain('balanced');
  });

  it('sql answers as table, CSV and JSON', async () => {
    const statement =
      'SELECT count(*) AS n, count(DISTINCT event_id) AS n, min(log_partition) AS p FROM silver';
    const [row] = parse((await shell.run('sql', statement, '--json')).stdout) as Record<string, number>[];
    expect(row).toEqual({ n: row?.n, n_1: row?.n, p: 0 });
    const csv = (await shell.run('sql', statement, '--csv')).stdout;
    expect(csv).toBe(`n,n,p\r\n${row?.n},${row?.n},0\r\n`);
    expect((await shell.run('sql', statement)).stdout).toContain('│');
    const piped = await shell.runWith({ stdin: input('SELECT 41 + 1 AS answer', false) }, 'sql', '--csv');
    expect(piped.stdout).toBe('answer\r\n42\r\n');
  });

  it('sql refuses what is not a question (S6.4)', async () => {
    const { code, stderr, stdout } = await shell.run('sql', 'DROP TABLE silver', '--json');
    expect(code).toBe(4);
    expect(stdout).toBe('');
    expect(parse(stderr)).toMatchObject({ error: { code: 'query-not-allowed' } });
  });

  it('sql says when it leaves rows out', async () => {
    const { stderr } = await shell.run('sql', 'SELECT * FROM silver', '--set', 'query.max_rows=3');
    expect(stderr).toContain('Only the first 3 rows');
  });

  it('sql at a prompt takes statements over several lines, and goes on after an error', async () => {
    const typed = "SELECT 1 +\n2 AS three;\nnonsense;\nSELECT 'a;b' AS text;\n\\q\n";
    const { code, stdout, stderr } = await shell.runWith({ stdin: input(typed, true) }, 'sql', '--csv');
    expect(code).toBe(0);
    expect(stdout).toBe('three\r\n3\r\ntext\r\na;b\r\n');
    expect(stderr).toContain('error');
    const history = join(shell.directory, '.clicklake/sql-history');
    expect(await readFile(history, 'utf8')).toBe(
      "SELECT 1 + 2 AS three;\nnonsense;\nSELECT 'a;b' AS text;\n",
    );
    expect((await stat(history)).mode & 0o777).toBe(0o600);
  });

  it('tables, and what can be done with one', async () => {
    const tables = parse((await shell.run('tables', '--json')).stdout) as {
      name: string;
      location: string;
    }[];
    expect(tables.map(({ name }) => name)).toEqual(['silver', 'dead_letters', 'duplicates']);
    expect(tables[0]?.location).toBe('lake/user-behavior-analytics-silver/clickstream/delta');
    expect((await shell.run('table', 'detail', 'silver')).stdout).toContain('event_date');
    expect(parse((await shell.run('table', 'history', 'silver', '--json')).stdout)).toContainEqual(
      expect.objectContaining({ version: 0 }),
    );
    expect((await shell.run('table', 'optimize', 'silver')).code).toBe(0);
    expect(parse((await shell.run('table', 'vacuum', 'silver', '--dry-run', '--json')).stdout)).toMatchObject(
      { dryRun: true },
    );
    expect(
      parse((await shell.run('table', 'restore', 'silver', '--version', '0', '--json')).stdout),
    ).toMatchObject({
      restoredTo: 0,
      rowsAfter: 0,
    });
    const { stderr } = await shell.run('sql', 'SELECT count(*) FROM silver');
    expect(stderr).toMatch(/\d+ records are in the log but not in the tables yet/);
    const caughtUp = await shell.run('ingest', '--until-caught-up', '--set', 'ingest.commit_size=128MB');
    expect(caughtUp.code).toBe(0);
    expect(caughtUp.stderr).toContain('ingest.commit_size');
    expect(parse((await shell.run('ledger', '--json')).stdout)).toMatchObject({
      in_flight: 0,
      balanced: true,
    });
  });

  it('topics, sound and with nothing to skip', async () => {
    const topics = parse((await shell.run('topics', '--json')).stdout) as { lag: number }[];
    expect(topics.map(({ lag }) => lag)).toEqual([0, 0, 0, 0]);
    expect(await shell.run('topics', 'verify')).toMatchObject({ code: 0 });
    expect((await shell.run('topics', 'skip-corrupt', 'clickstream-events', '0')).stdout).toContain(
      'no corrupt range',
    );
    expect((await shell.run('topics', 'skip-corrupt', 'clickstream-events', '9')).code).toBe(4);
  });

  it('dead letters, listed and whole', async () => {
    const [first] = parse((await shell.run('dead-letters', '--limit', '1', '--json')).stdout) as {
      topic: string;
      partition: number;
      offset: number;
    }[];
    const place = `${first?.topic}/${first?.partition}/${first?.offset}`;
    expect((await shell.run('dead-letters', 'list')).stdout).toContain(place);
    expect(parse((await shell.run('dead-letters', 'show', place, '--json')).stdout)).toEqual(first);
  });

  it('trace tells what became of an event, and where it looked for one that is nowhere', async () => {
    const [row] = parse(
      (
        await shell.run(
          'sql',
          'SELECT event_id FROM silver WHERE event_id NOT IN (SELECT event_id FROM duplicates) LIMIT 1',
          '--json',
        )
      ).stdout,
    ) as { event_id: string }[];
    const eventId = row?.event_id ?? '';
    const told = await shell.run('trace', eventId);
    expect(told.code).toBe(0);
    for (const word of [eventId, 'valid', 'received', 'clickstream-events/', 'STREAMING UPDATE', '.parquet'])
      expect(told.stdout).toContain(word);
    expect(told.stdout).toContain('daily_user_activity');
    const { records } = parse((await shell.run('trace', eventId, '--json')).stdout) as {
      records: { gold: unknown[] }[];
    };
    expect(records).toMatchObject([{ eventId, verdict: 'valid', log: { state: 'held' } }]);
    expect(records[0]?.gold).toHaveLength(5);

    const nowhere = await shell.run('trace', 'no\u001bbody');
    expect(nowhere).toMatchObject({ code: 1, stdout: '' });
    expect(nowhere.stderr).toContain('"no\\u001bbody"');
    expect(nowhere.stderr).toMatch(/Looked through [\d,]+ events of Silver/);
    expect(await shell.run('trace', 'nobody', '--json')).toMatchObject({ code: 1, stderr: '' });
  });

  it('tail shows the newest of the log', async () => {
    const { stdout } = await shell.run('tail', '--no-follow', '--last', '4', '--json');
    const events = stdout
      .trim()
      .split('\n')
      .map((line) => parse(line) as { topic: string; event: { event_id: string } });
    expect(events).toHaveLength(4);
    expect(events.every(({ topic, event }) => topic === 'clickstream-events' && event.event_id !== '')).toBe(
      true,
    );
    expect((await shell.run('tail', '--no-follow', '-n', '2')).stdout.trim().split('\n')).toHaveLength(2);
  });

  it('tail reads to the end of a log of many megabytes, and past what is no event', async () => {
    const own = await openShell();
    const writer = await openEmbeddedLog({ directory: join(own.directory, '.clicklake/log') }).openWriter();
    const value = (n: number): string =>
      n === 1490 ? 'no JSON' : JSON.stringify({ n, pad: 'x'.repeat(2000) });
    await writer.append(
      Array.from({ length: 1500 }, (_, n) => ({
        topic: 'clickstream-events' as const,
        key: 'one',
        value: value(n),
        timestamp: 1_700_000_000_000 + n,
        judgedBy: null,
      })),
    );
    await writer.close();
    const { stdout } = await own.run('tail', '--no-follow', '-n', '1400', '--json');
    const records = stdout
      .trim()
      .split('\n')
      .map((line) => parse(line) as { event?: { n: number }; raw?: string });
    expect(records).toHaveLength(1400);
    expect(records.at(-1)?.event?.n).toBe(1499);
    expect(records.at(-10)?.raw).toBe('no JSON');
    await own.close();
  });

  it('reset asks, and deletes only then', async () => {
    await writeFile(join(shell.directory, '.clicklake/mine.txt'), 'not clicklake’s');
    expect(await shell.run('reset')).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('--yes') as string,
    });
    expect((await shell.runWith({ stdin: input('no\n', true) }, 'reset')).code).toBe(4);
    // `clicklake produce` beside it, which has nothing but the log.
    const writer = await openEmbeddedLog({ directory: join(shell.directory, '.clicklake/log') }).openWriter();
    expect(await shell.run('reset', '--yes')).toMatchObject({
      code: 3,
      stderr: expect.stringContaining(`kill ${process.pid}`) as string,
    });
    await writer.close();
    expect(parse((await shell.run('ledger', '--json')).stdout)).toMatchObject({ appended: 600 });
    expect((await shell.runWith({ stdin: input('yes\n', true) }, 'reset', '--keep-keys')).code).toBe(0);
    expect(parse((await shell.run('ledger', '--json')).stdout)).toMatchObject({ appended: 0 });
    await access(join(shell.directory, '.clicklake/secrets/keys.json'));
    expect((await shell.run('reset', '--yes')).code).toBe(0);
    await access(join(shell.directory, '.clicklake/mine.txt'));
  });
});

describe('Ctrl-C', () => {
  it('ends produce with what it has sent, and with the truth about that', async () => {
    const own = await openShell();
    const truth = join(own.directory, 'truth.jsonl');
    const produce = own.start('produce', '--events', '1000000', '--rate', '500', '--truth', truth);
    const appended = async (): Promise<number> => {
      const { stdout } = await own.run('ledger', '--json');
      return (parse(stdout) as { appended: number }).appended;
    };
    while ((await appended()) === 0);
    produce.signal('SIGINT');
    expect((await produce.outcome).code).toBe(130);
    const lines = (await readFile(truth, 'utf8')).trim().split('\n');
    expect(lines).toHaveLength((await appended()) + 1);
    expect(parse(lines.at(-1) ?? '')).toMatchObject({ kind: 'summary', undelivered: 0 });
    await own.close();
  });
});
