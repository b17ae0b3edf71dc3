import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FastifyReply } from 'fastify';
import { authenticate } from '../access/guard.ts';
import { securityHeadersWithStyle } from '../access/security-headers.ts';
import { errorAnswer } from '../api-error.ts';
import type { RouteServices } from './route-services.ts';

const directory = fileURLToPath(new URL('../../public/', import.meta.url));

const mediaTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

interface StaticFile {
  readonly bytes: Buffer;
  readonly type: string;
  readonly etag: string;
}

/** `GET /` and its files: read once, so that no path of a request ever reaches the disk. */
export async function registerPageRoutes({ app, settings, cookieName }: RouteServices): Promise<void> {
  const files = await readFiles();
  const locked = lockedPage(files);

  // The page decides itself who may see it, to say in HTML where a login link comes from.
  app.get('/', { config: { access: 'none' } }, (request, reply) => {
    try {
      authenticate(request, settings.credentials, cookieName(request.socket.localPort));
    } catch (error) {
      return reply
        .code(errorAnswer(error).status)
        .headers(locked.headers)
        .type('text/html; charset=utf-8')
        .send(locked.html);
    }
    return send(reply, files.get('index.html'), request.headers['if-none-match']);
  });

  for (const [name, file] of files) {
    if (name.endsWith('.html')) continue;
    app.get(`/${name}`, (request, reply) => send(reply, file, request.headers['if-none-match']));
  }
}

function send(reply: FastifyReply, file: StaticFile | undefined, known: string | undefined): FastifyReply {
  if (file === undefined) throw new Error('index.html is missing from the server’s public folder.');
  // `no-cache` keeps a copy and asks each time whether it is still good.
  void reply.header('cache-control', 'no-cache').header('etag', file.etag);
  return known === file.etag ? reply.code(304).send() : reply.type(file.type).send(file.bytes);
}

async function readFiles(): Promise<ReadonlyMap<string, StaticFile>> {
  const names = await readdir(directory);
  const known = names.filter((name) => Object.hasOwn(mediaTypes, extname(name)));
  const read = known.map(async (name): Promise<[string, StaticFile]> => {
    const bytes = await readFile(join(directory, name));
    const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`;
    return [name, { bytes, type: mediaTypes[extname(name)] ?? '', etag }];
  });
  return new Map(await Promise.all(read));
}

/** Its one style stands in the page itself, since its reader may load nothing else. */
function lockedPage(files: ReadonlyMap<string, StaticFile>) {
  const html = files.get('locked.html')?.bytes.toString('utf8') ?? '';
  const style = /<style>([\s\S]*?)<\/style>/.exec(html)?.[1] ?? '';
  return { html, headers: securityHeadersWithStyle(style) };
}
