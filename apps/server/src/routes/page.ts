import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import type { FastifyReply } from 'fastify';
import { authenticate } from '../access/guard.ts';
import { errorAnswer } from '../api-error.ts';
import { publicDirectory } from './locked-page.ts';
import type { RouteServices } from './route-services.ts';

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
export async function registerPageRoutes({
  app,
  settings,
  cookieName,
  locked,
}: RouteServices): Promise<void> {
  const files = await readFiles();

  // The page decides itself who may see it, to say in HTML where a login link comes from.
  app.get('/', { config: { access: 'none' } }, (request, reply) => {
    try {
      authenticate(request, settings.credentials, cookieName(request.socket.localPort));
    } catch (error) {
      return locked.send(reply, errorAnswer(error).status);
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
  const names = await readdir(publicDirectory);
  const known = names.filter((name) => Object.hasOwn(mediaTypes, extname(name)));
  const read = known.map(async (name): Promise<[string, StaticFile]> => {
    const bytes = await readFile(join(publicDirectory, name));
    const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`;
    return [name, { bytes, type: mediaTypes[extname(name)] ?? '', etag }];
  });
  return new Map(await Promise.all(read));
}
