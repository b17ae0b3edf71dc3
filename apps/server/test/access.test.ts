import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, token, type RunningServer } from './support/running-server.ts';

interface Route {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: unknown;
  /** What whoever may use it is answered here; 200 by default. */
  readonly admitted?: number;
}

/** Every route but `/api/status` and `/login` (S6.5). */
const routes: readonly Route[] = [
  { method: 'GET', path: '/' },
  { method: 'GET', path: '/console.js' },
  { method: 'GET', path: '/console.css' },
  { method: 'GET', path: '/tables.css' },
  { method: 'GET', path: '/theme.css' },
  { method: 'GET', path: '/favicon.svg' },
  { method: 'GET', path: '/api/overview' },
  { method: 'GET', path: '/api/ledger' },
  { method: 'GET', path: '/api/tables' },
  { method: 'GET', path: '/api/tables/silver/detail' },
  { method: 'GET', path: '/api/tables/silver/history' },
  { method: 'GET', path: '/api/topics' },
  { method: 'GET', path: '/api/jobs' },
  { method: 'GET', path: '/api/runs' },
  { method: 'POST', path: '/api/jobs/maintenance/run', body: {} },
  { method: 'GET', path: '/api/dead-letters' },
  { method: 'GET', path: '/api/dead-letters/clickstream-errors/0/0' },
  { method: 'GET', path: '/api/trace?event_id=x' },
  { method: 'GET', path: '/api/live' },
  { method: 'POST', path: '/api/sql', body: { sql: 'SELECT 1' } },
  { method: 'POST', path: '/api/tables/silver/optimize', body: {} },
  { method: 'POST', path: '/api/tables/silver/vacuum', body: { dryRun: true } },
  { method: 'POST', path: '/api/tables/silver/restore', body: { version: 0 } },
  { method: 'POST', path: '/api/topics/clickstream-events/0/skip-corrupt', body: {} },
  { method: 'GET', path: '/api/dead-letters/groups' },
  { method: 'GET', path: '/api/dead-letters/export' },
  { method: 'POST', path: '/api/dead-letters/replay', body: {}, admitted: 400 },
  { method: 'POST', path: '/api/refresh/plan', body: {}, admitted: 422 },
  { method: 'POST', path: '/api/refresh', body: {}, admitted: 422 },
  { method: 'POST', path: '/api/tests', body: {}, admitted: 422 },
  { method: 'GET', path: '/api/tests/failing' },
  { method: 'POST', path: '/api/back-fill', body: { events: 1, days: 1, seed: 's', endAt: 0 } },
  { method: 'POST', path: '/api/login-links', body: {} },
];

let server: RunningServer;
let cookie: string;

beforeAll(async () => {
  server = await startTestServer({
    events: 3,
    deadLetters: 1,
    backFill: () => Promise.resolve({ accepted: 1, rejected: 0 }),
  });
  cookie = await server.logIn();
});

afterAll(() => server.stop());

/** Without fetch, which forbids to set Host and Origin. Resolves with the status as soon as it is known. */
function statusOf({ method, path, body }: Route, headers: Record<string, string>): Promise<number> {
  const { hostname, port, host } = new URL(server.url);
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        hostname,
        port,
        method,
        path,
        headers: { host, ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      },
      (answer) => {
        resolve(answer.statusCode ?? 0);
        answer.destroy();
      },
    );
    asked.on('error', reject);
    asked.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

describe('who may use the admin API (S6.5)', () => {
  for (const route of routes) {
    describe(`${route.method} ${route.path}`, () => {
      it('refuses whoever has no token', async () => {
        expect(await statusOf(route, {})).toBe(401);
      });

      it('refuses a wrong token, even beside a good cookie', async () => {
        expect(await statusOf(route, { authorization: 'Bearer wrong', cookie })).toBe(401);
        expect(await statusOf(route, { authorization: `Basic ${token}` })).toBe(401);
      });

      it('refuses a forged cookie', async () => {
        const [name = ''] = cookie.split('=');
        expect(await statusOf(route, { cookie: `${name}=9999999999999.AAAA.BBBB` })).toBe(401);
      });

      it('refuses another server’s name, with the token too', async () => {
        const host = 'evil.example';
        expect(await statusOf(route, { host, authorization: `Bearer ${token}` })).toBe(421);
        expect(await statusOf(route, { host: `${host}:8084`, cookie })).toBe(421);
      });

      it('takes the token', async () => {
        expect(await statusOf(route, { authorization: `Bearer ${token}` })).toBe(route.admitted ?? 200);
      });

      if (route.method === 'GET') {
        it('takes the console’s cookie', async () => {
          expect(await statusOf(route, { cookie })).toBe(route.admitted ?? 200);
        });
      } else {
        const { host } = { host: () => new URL(server.url).host };

        it('takes the cookie from the console itself', async () => {
          const headers = { cookie, 'x-clicklake-console': '1', origin: `http://${host()}` };
          expect(await statusOf(route, headers)).toBe(route.admitted ?? 200);
        });

        it('refuses the cookie from a page on another port of this machine', async () => {
          const headers = { cookie, 'x-clicklake-console': '1', origin: 'http://127.0.0.1:3000' };
          expect(await statusOf(route, headers)).toBe(403);
        });

        it('refuses the cookie without the console’s header', async () => {
          expect(await statusOf(route, { cookie })).toBe(403);
          expect(await statusOf(route, { cookie, origin: `http://${host()}` })).toBe(403);
        });
      }
    });
  }

  it('answers readiness and version only to everybody', async () => {
    const answer = await fetch(`${server.url}/api/status`);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({ ready: true, version: '1.2.3' });
  });

  it('checks the Host of the open routes, too', async () => {
    expect(await statusOf({ method: 'GET', path: '/api/status' }, { host: 'evil.example' })).toBe(421);
    expect(await statusOf({ method: 'GET', path: '/login?code=x' }, { host: 'evil.example' })).toBe(421);
  });

  it('says that it is not ready', async () => {
    server.setReady(false);
    const answer = await fetch(`${server.url}/api/status`);
    expect(answer.status).toBe(503);
    expect(await answer.json()).toEqual({ ready: false, version: '1.2.3' });
    server.setReady(true);
  });
});

describe('logging in', () => {
  async function link(): Promise<string> {
    const answer = await server.call('/api/login-links', { method: 'POST', body: {} });
    return ((await answer.json()) as { path: string }).path;
  }

  it('gives a cookie that no script reads and no other site sends', async () => {
    const answer = await fetch(`${server.url}${await link()}`);
    const set = answer.headers.get('set-cookie') ?? '';
    expect(set).toMatch(/HttpOnly/);
    expect(set).toMatch(/SameSite=Strict/);
    expect(set).toMatch(new RegExp(`^clicklake_${new URL(server.url).port}=`));
  });

  it('works once for each link', async () => {
    const path = await link();
    expect((await fetch(`${server.url}${path}`)).status).toBe(200);
    const again = await fetch(`${server.url}${path}`);
    expect(again.status).toBe(401);
    expect(await again.json()).toMatchObject({ code: 'link-invalid' });
  });

  it('ends with the link’s ten minutes, and with the session’s week', async () => {
    const late = await link();
    server.advance(10 * 60_000 + 1);
    expect((await fetch(`${server.url}${late}`)).status).toBe(401);

    const session = await server.logIn();
    const headers = { cookie: session };
    expect(await statusOf({ method: 'GET', path: '/api/overview' }, headers)).toBe(200);
    server.advance(7 * 86_400_000 + 1);
    expect(await statusOf({ method: 'GET', path: '/api/overview' }, headers)).toBe(401);
  });

  it('shows a browser where a link comes from', async () => {
    const answer = await fetch(`${server.url}/`, { headers: { accept: 'text/html' } });
    expect(answer.status).toBe(401);
    expect(await answer.text()).toContain('npx clicklake open');
  });
});

describe('headers of every answer', () => {
  it.each(['/', '/api/status', '/api/nothing', '/console.js'])('%s', async (path) => {
    const { headers } = await server.call(path);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    const policy = headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain('unsafe');
    expect(headers.get('access-control-allow-origin')).toBeNull();
  });
});
