import type { WriteKey } from './write-key.ts';

/** Bounds how many dead letters each key may store (S5.3). */
export interface DeadLetterRate {
  /**
   * Books dead letters to the key. Zero when they may be stored, else the seconds until some may be. One request
   * may overdraw what is left, or a large one could never pass; the debt is paid before the next.
   */
  admit(key: WriteKey, deadLetters: number): number;
}

interface Bucket {
  tokens: number;
  filledAt: number;
}

/** @param now a steady clock, ms */
export function createDeadLetterRate(now: () => number): DeadLetterRate {
  const buckets = new WeakMap<WriteKey, Bucket>();
  return {
    admit(key, deadLetters) {
      const perMinute = key.rateLimitDeadLettersPerMinute;
      const at = now();
      const capacity = Math.max(1, perMinute);
      const bucket = buckets.get(key) ?? { tokens: capacity, filledAt: at };
      buckets.set(key, bucket);
      bucket.tokens = Math.min(capacity, bucket.tokens + ((at - bucket.filledAt) * perMinute) / 60_000);
      bucket.filledAt = at;
      if (bucket.tokens < 1) return Math.ceil(((1 - bucket.tokens) * 60) / perMinute);
      bucket.tokens -= deadLetters;
      return 0;
    },
  };
}
