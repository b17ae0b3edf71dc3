import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { constants, gunzip, zstdDecompress } from 'node:zlib';
import type { BodyLease } from './body-memory.ts';
import type { Limits } from './limits.ts';
import { Refusal } from './refusal.ts';

export type ContentEncoding = 'identity' | 'gzip' | 'zstd';

/** @throws Refusal `encoding-unsupported`. */
export function contentEncodingOf(header: string | undefined): ContentEncoding {
  const name = (header ?? 'identity').trim().toLowerCase();
  if (name === '' || name === 'identity') return 'identity';
  if (name === 'gzip' || name === 'x-gzip') return 'gzip';
  if (name === 'zstd') return 'zstd';
  throw new Refusal({
    code: 'encoding-unsupported',
    message: `Content-Encoding "${name}" is not supported.`,
    hint: 'Use gzip, zstd or no encoding.',
  });
}

/** @throws Refusal `body-too-large` for a length that is announced, before any of it is read. */
export function checkAnnouncedLength(header: string | undefined, limits: Limits): void {
  if (header !== undefined && Number(header) > limits.maxBodyBytes)
    throw tooLarge(limits.maxBodyBytes, 'on the wire');
}

/**
 * Reads the body as it was sent.
 *
 * @throws Refusal `body-too-large`, `collector-busy`, `request-aborted`; what is left of the body is then
 *   discarded as it arrives, so that the client can read the answer.
 */
export function readBody(request: IncomingMessage, limits: Limits, lease: BodyLease): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const onData = (chunk: Buffer): void => {
      length += chunk.length;
      try {
        if (length > limits.maxBodyBytes) throw tooLarge(limits.maxBodyBytes, 'on the wire');
        lease.take(chunk.length);
        chunks.push(chunk);
      } catch (refusal) {
        settle();
        request.resume();
        reject(refusal instanceof Error ? refusal : new Error(String(refusal)));
      }
    };
    const onEnd = (): void => {
      settle();
      const [only] = chunks;
      if (only !== undefined && chunks.length === 1) return resolve(only);
      const body = Buffer.concat(chunks, length);
      chunks.forEach(giveBack);
      resolve(body);
    };
    const onAbort = (): void => {
      settle();
      reject(aborted());
    };
    const settle = (): void => {
      request.off('data', onData).off('end', onEnd).off('close', onAbort);
    };
    // The error of an aborted request says no more than its close, but somebody must listen.
    request.on('data', onData).on('end', onEnd).on('error', onAbort).on('close', onAbort);
  });
}

/**
 * Frees the memory of bytes that nobody will look at again. Left to the collector of garbage, the memory of bodies
 * makes it go through all that lives, some times a second: V8 counts it, and knows no other way to get it back.
 */
export function giveBack({ buffer, byteLength }: Buffer): void {
  // What shares its memory with other buffers is not ours alone.
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength && byteLength >= leastGivenBack)
    buffer.transfer(0);
}

/** Smaller ones may lie in Node's pool, or matter little. */
const leastGivenBack = 8 << 10;

const gunzipAsync = promisify(gunzip);
const zstdDecompressAsync = promisify<Uint8Array, object, Buffer>(zstdDecompress);

/**
 * Takes the encoding off, never holding more than the limits. Undefined: the bytes are not what the encoding says.
 *
 * @throws Refusal `body-too-large`, `collector-busy`.
 */
export async function decodeBody(
  body: Buffer,
  encoding: ContentEncoding,
  limits: Limits,
  lease: BodyLease,
): Promise<Buffer | undefined> {
  if (encoding === 'identity') return checkedLength(body, limits);
  const options = { maxOutputLength: limits.maxDecodedBytes, chunkSize: 64 * 1024 };
  try {
    return await lease.takeResult(() =>
      encoding === 'gzip'
        ? gunzipAsync(body, options)
        : // RFC 9659: a content coding needs no window above 8 MB; the library's default is 128 MB for each request.
          zstdDecompressAsync(body, { ...options, params: { [constants.ZSTD_d_windowLogMax]: 23 } }),
    );
  } catch (error) {
    if (error instanceof Refusal) throw error;
    if (error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE') {
      throw tooLarge(limits.maxDecodedBytes, 'decoded');
    }
    return undefined;
  }
}

function checkedLength(body: Buffer, limits: Limits): Buffer {
  if (body.length > limits.maxDecodedBytes) throw tooLarge(limits.maxDecodedBytes, 'decoded');
  return body;
}

function tooLarge(limit: number, where: string): Refusal {
  return new Refusal({
    code: 'body-too-large',
    message: `The body is larger than ${limit} bytes ${where}; nothing of it was stored.`,
    hint: 'Send fewer events per request.',
    details: { limit },
  });
}

function aborted(): Refusal {
  return new Refusal({
    code: 'request-aborted',
    message: 'The connection ended in the middle of the body; nothing of it was stored.',
    hint: 'Send the request again.',
  });
}
