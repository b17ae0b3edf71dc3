import { Refusal } from './refusal.ts';

/** The bytes that one request holds in memory. */
export interface BodyLease {
  /** @throws Refusal `collector-busy` when all bodies together would exceed the limit. */
  take(bytes: number): void;
  /** Gives everything back. Idempotent. */
  release(): void;
}

export interface BodyMemory {
  lease(): BodyLease;
  /** Bytes held now. */
  held(): number;
}

/** Bounds the memory of all bodies that are being read or judged at one time. */
export function createBodyMemory(maxBytes: number): BodyMemory {
  let held = 0;
  return {
    held: () => held,
    lease() {
      let mine = 0;
      return {
        take(bytes) {
          if (held + bytes > maxBytes) throw busy();
          held += bytes;
          mine += bytes;
        },
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
