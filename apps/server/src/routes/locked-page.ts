import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FastifyReply } from 'fastify';
import { securityHeadersWithStyle } from '../access/security-headers.ts';

/** The page and its files: static, without a build step. */
export const publicDirectory = fileURLToPath(new URL('../../public/', import.meta.url));

/** What a browser without a login sees: where a link comes from. */
export interface LockedPage {
  send(reply: FastifyReply, status: number): FastifyReply;
}

/** Its one style stands in the page itself, since its reader may load nothing else. */
export async function readLockedPage(): Promise<LockedPage> {
  const html = await readFile(join(publicDirectory, 'locked.html'), 'utf8');
  const style = /<style>([\s\S]*?)<\/style>/.exec(html)?.[1] ?? '';
  const headers = securityHeadersWithStyle(style);
  return {
    send: (reply, status) => reply.code(status).headers(headers).type('text/html; charset=utf-8').send(html),
  };
}
