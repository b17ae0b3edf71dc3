import { Refusal } from './refusal.ts';

/** The bytes that one request holds in memory. */
export interface BodyLease {
  /** @throws Refusal `collector-busy` when all bodies together would exceed the limit. */
  take(bytes: number): void;
  /**
   * Takes what `decode` makes, whose size is known only afterwards: so few run at a time, the others wait.
   *
   * @throws Refusal `collector-busy`, and what `decode` throws.
   */
  takeResult(decode: () => Promise<Buffer>): Promise<Buffer>;
  /** Gives everything back. Idempotent. */
  release(): void;
}

export interface BodyMemory {
  lease(): BodyLease;
  /** Bytes held now. */
  held(): number;
}

/** Node's pool has as many threads: more at a time would only hold more memory that nobody has counted yet. */
const decodersAtOnce = 4;

/** Bounds the memory of all bodies that are being read or judged at one time. */
export function createBodyMemory(maxBytes: number): BodyMemory {
  let held = 0;
  let decoding = 0;
  const waiting: (() => void)[] = [];

  async function inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (decoding < decodersAtOnce) decoding += 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) decoding -= 1;
      else next();
    }
  }

  return {
    held: () => held,
    lease() {
      let mine = 0;
      const take = (bytes: number): void => {
        if (held + bytes > maxBytes) throw busy();
        held += bytes;
        mine += bytes;
      };
      return {
        take,
        takeResult: (decode) =>
          inTurn(async () => {
            const decoded = await decode();
            take(decoded.length);
            return decoded;
          }),
        release() {
          held -= mine;
          mine = 0;
        },
      };
    },
  };
}

function busy(): Refusal {
  return new Refusal({
    code: 'collector-busy',
    message: 'Too many bytes are on their way in at once; nothing of this request was stored.',
    hint: 'Send it again after the time in Retry-After, or send from fewer connections.',
    retryAfterSeconds: 1,
  });
}
