import { request as sendRequest, type Dispatcher } from 'undici';
import { ClicklakeError } from '@clicklake/errors';
import type { ReplayResult } from '@clicklake/pipeline';
import type { BackFillLine, ErrorBody, ExportLine, LakeAdmin, ReplayLine } from '@clicklake/server';
import { CliError } from '../cli-error.ts';

/** What the owner answered instead of a result: its own code, message and hint. */
export class RemoteError extends ClicklakeError {}

export interface AdminClient extends LakeAdmin {
  /** A login link for a browser; its code works once. */
  createLoginLink(): Promise<{ readonly url: string; readonly expiresAt: string }>;
}

type Method = 'GET' | 'POST';

/** The owner's admin API (S6.3), with the very methods that it carries out itself. */
export function createAdminClient(url: string, token: string): AdminClient {
  async function send(
    method: Method,
    path: string,
    body?: unknown,
    signal?: AbortSignal,
  ): Promise<Dispatcher.ResponseData> {
    try {
      return await sendRequest(`${url}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        body: body === undefined ? null : JSON.stringify(body),
        signal: signal ?? null,
        // OPTIMIZE of a year, or a deep ledger, takes its time before the first byte.
        headersTimeout: 0,
        bodyTimeout: 0,
      });
    } catch (error) {
      if (signal?.aborted === true) throw error;
      throw unreachable(url, error);
    }
  }

  async function call<T>(method: Method, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
    const response = await send(method, path, body, signal);
    const answer: unknown = await response.body.json();
    if (response.statusCode >= 400) throw remoteError(answer as ErrorBody);
    return answer as T;
  }

  /** The lines of an answer that comes bit by bit; one that tells of an error is thrown. */
  async function* answerLines(
    method: Method,
    path: string,
    body: unknown,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<ExportLine | ReplayLine> {
    const response = await send(method, path, body, signal);
    if (response.statusCode >= 400) throw remoteError((await response.body.json()) as ErrorBody);
    const lines = linesOf(response.body);
    for (;;) {
      const next = await lines.next().catch((error: unknown) => {
        throw signal?.aborted === true ? error : unreachable(url, error);
      });
      if (next.done === true) throw unreachable(url, new Error('The answer ended early.'));
      const line = JSON.parse(next.value) as ExportLine | ReplayLine;
      if ('error' in line) throw remoteError(line.error);
      yield line;
      if ('result' in line) return;
    }
  }

  const tablePath = (name: string): string => `/api/tables/${encodeURIComponent(name)}`;

  return {
    sql: (sql, { signal, ...options }) => call('POST', '/api/sql', { sql, ...options }, signal),
    ledger: ({ deep }) => call('GET', deep ? '/api/ledger?deep' : '/api/ledger'),
    tables: async () =>
      (await call<{ tables: Awaited<ReturnType<LakeAdmin['tables']>> }>('GET', '/api/tables')).tables,
    async history(table, limit) {
      interface Answer {
        readonly commits: Awaited<ReturnType<LakeAdmin['history']>>;
      }
      return (await call<Answer>('GET', `${tablePath(table)}/history?limit=${limit}`)).commits;
    },
    topics: async () =>
      (await call<{ topics: Awaited<ReturnType<LakeAdmin['topics']>> }>('GET', '/api/topics')).topics,
    async deadLetters(filter) {
      interface Answer {
        readonly deadLetters: Awaited<ReturnType<LakeAdmin['deadLetters']>>;
      }
      return (await call<Answer>('GET', `/api/dead-letters?${filterQuery(filter)}`)).deadLetters;
    },
    async deadLetterGroups(filter) {
      interface Answer {
        readonly groups: Awaited<ReturnType<LakeAdmin['deadLetterGroups']>>;
      }
      return (await call<Answer>('GET', `/api/dead-letters/groups?${filterQuery(filter)}`)).groups;
    },
    async exportDeadLetters(filter, { onRow, signal }) {
      const path = `/api/dead-letters/export?${filterQuery(filter)}`;
      for await (const line of answerLines('GET', path, undefined, signal))
        if ('row' in line) await onRow(line.row);
    },
    async replayDeadLetters(request, { onLetter, onProgress, signal }) {
      for await (const line of answerLines('POST', '/api/dead-letters/replay', request, signal)) {
        if ('letter' in line) await onLetter(line.letter);
        else if ('progress' in line) onProgress(line.progress);
        else if ('result' in line) return line.result as ReplayResult;
      }
      throw unreachable(url, new Error('The answer has no end.'));
    },
    async deadLetter(topic, partition, offset) {
      try {
        return await call('GET', `/api/dead-letters/${encodeURIComponent(topic)}/${partition}/${offset}`);
      } catch (error) {
        if (error instanceof RemoteError && error.code === 'not-found') return undefined;
        throw error;
      }
    },
    trace: (eventId) => call('GET', `/api/trace?${new URLSearchParams({ event_id: eventId }).toString()}`),
    overview: () => call('GET', '/api/overview'),
    optimize: (table, options) => call('POST', `${tablePath(table)}/optimize`, options),
    vacuum: (table, options) => call('POST', `${tablePath(table)}/vacuum`, options),
    restore: (table, options) => call('POST', `${tablePath(table)}/restore`, options),
    planRefresh: (request) => call('POST', '/api/refresh/plan', request),
    refresh: (request) => call('POST', '/api/refresh', request),
    jobs: async () => (await call<{ jobs: Awaited<ReturnType<LakeAdmin['jobs']>> }>('GET', '/api/jobs')).jobs,
    async runs({ job, failed, limit }) {
      interface Answer {
        readonly runs: Awaited<ReturnType<LakeAdmin['runs']>>;
      }
      const query = new URLSearchParams({
        limit: String(limit),
        ...(job !== undefined && { job }),
        ...(failed === true && { failed: 'true' }),
      });
      return (await call<Answer>('GET', `/api/runs?${query.toString()}`)).runs;
    },
    runJob: (name) => call('POST', `/api/jobs/${encodeURIComponent(name)}/run`, {}),
    test: (request) => call('POST', '/api/tests', request),
    failingTests: async () =>
      (await call<{ failing: Awaited<ReturnType<LakeAdmin['failingTests']>> }>('GET', '/api/tests/failing'))
        .failing,
    async skipCorrupt(topic, partition) {
      interface Answer {
        readonly skipped: Awaited<ReturnType<LakeAdmin['skipCorrupt']>>;
      }
      const path = `/api/topics/${encodeURIComponent(topic)}/${partition}/skip-corrupt`;
      return (await call<Answer>('POST', path, {})).skipped;
    },
    async backFill(request, { onProgress, signal }) {
      const response = await send('POST', '/api/back-fill', request, signal);
      if (response.statusCode >= 400) throw remoteError((await response.body.json()) as ErrorBody);
      for await (const line of linesOf(response.body)) {
        const told = JSON.parse(line) as BackFillLine;
        if ('progress' in told) onProgress(told.progress);
        else if ('result' in told) return told.result;
        else throw remoteError(told.error);
      }
      throw unreachable(url, new Error('The answer ended early.'));
    },
    async createLoginLink() {
      const { path, expiresAt } = await call<{ path: string; expiresAt: string }>(
        'POST',
        '/api/login-links',
        {},
      );
      return { url: `${url}${path}`, expiresAt };
    },
  };
}

function filterQuery(filter: Parameters<LakeAdmin['deadLetters']>[0]): string {
  const { limit, reason, field, source, eventType, since, until, notReplayed } = filter;
  const given = {
    limit,
    reason,
    field,
    source,
    event_type: eventType,
    since,
    until,
    not_replayed: notReplayed,
  };
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(given)) if (value !== undefined) query.set(name, String(value));
  return query.toString();
}

async function* linesOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
}

function remoteError(body: ErrorBody): RemoteError {
  const { code, message, hint, details } = body;
  return new RemoteError({ code, message, hint, ...(details !== undefined && { details }) });
}

function unreachable(url: string, cause: unknown): CliError {
  return new CliError({
    code: 'cli-owner-unreachable',
    message: `The process that owns the lake does not answer at ${url}.`,
    hint: 'It may be starting or stopping: try again; else look at what it prints.',
    retryable: true,
    cause,
  });
}
