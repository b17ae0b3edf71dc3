import type { SentEvent } from './gold-oracle.ts';

/** An event without the id that it gets when it is sent. */
export type DrawnEvent = Omit<SentEvent, 'id'>;

/** Shares: of the events so far, this one is sent again, at this place of the batch. */
export interface Copy {
  readonly of: number;
  readonly at: number;
}

/**
 * What Silver has to hold after whatever was done to it: lists and sets, which follow S3.1, S4.3 and S8 word for
 * word. Copies are equal to the byte, as a client's retries are, so which of them stays makes no difference.
 */
export interface SilverModel {
  /** A batch with ids, and with copies of earlier events and of its own. */
  send(drawn: readonly DrawnEvent[], copies: readonly Copy[]): readonly SentEvent[];
  /** Events that become dead letters: the next ones of their partition. */
  reject(drawn: readonly DrawnEvent[]): readonly SentEvent[];
  /** Offsets of the dead letters that Silver holds no replay of. */
  unreplayed(): readonly number[];
  replay(offsets: readonly number[]): void;
  /** Takes up the rest of the log. */
  readOn(): void;
  restore(version: number, discard: boolean): void;
  /** Whether the same records are duplicates, of those that were read by then, as in one of the noted versions. */
  mayDiscard(version: number): boolean;
  /** The version of Silver that is as the model is now. */
  note(version: number): void;
  /** One of the noted versions, by a share of them from the newest on. */
  versionAt(back: number): number;
  kept(): readonly SentEvent[];
}

interface SilverState {
  readonly kept: ReadonlyMap<string, SentEvent>;
  /** So many entries of the log are done with. */
  readonly covered: number;
  /** Which of them are duplicates. */
  readonly duplicates: readonly number[];
}

export function createSilverModel(): SilverModel {
  const log: SentEvent[] = [];
  const letters: SentEvent[] = [];
  const versions = new Map<number, SilverState>();
  let now: SilverState = { kept: new Map(), covered: 0, duplicates: [] };
  let named = 0;

  function withIds(drawn: readonly DrawnEvent[]): readonly SentEvent[] {
    return drawn.map((event) => ({ ...event, id: `e-${String(named++).padStart(5, '0')}` }));
  }

  return {
    send(drawn, copies) {
      const batch = [...withIds(drawn)];
      const known = [...log, ...batch];
      for (const { of, at } of copies) {
        const copied = known[Math.floor(of * known.length)];
        if (copied !== undefined) batch.splice(Math.floor(at * (batch.length + 1)), 0, copied);
      }
      log.push(...batch);
      return batch;
    },
    reject(drawn) {
      const batch = withIds(drawn);
      letters.push(...batch);
      return batch;
    },
    unreplayed() {
      return letters.flatMap(({ id }, offset) => (now.kept.has(id) ? [] : [offset]));
    },
    replay(offsets) {
      log.push(...offsets.flatMap((offset) => letters[offset] ?? []));
    },
    readOn() {
      const kept = new Map(now.kept);
      const duplicates = [...now.duplicates];
      for (const [place, event] of log.entries()) {
        if (place < now.covered) continue;
        if (kept.has(event.id)) duplicates.push(place);
        else kept.set(event.id, event);
      }
      now = { kept, covered: log.length, duplicates };
    },
    restore(version, discard) {
      const target = versions.get(version);
      if (target === undefined) throw new TypeError(`version ${version} was never noted`);
      // A version that reads further than this one has nothing to discard: the log is read from there.
      now = discard && target.covered <= now.covered ? { ...now, kept: target.kept } : target;
    },
    mayDiscard(version) {
      const target = versions.get(version) ?? now;
      if (target.covered > now.covered) return true;
      const sameAs = now.duplicates.filter((place) => place < target.covered);
      return sameAs.join() === target.duplicates.filter((place) => place < target.covered).join();
    },
    note(version) {
      versions.set(version, now);
    },
    versionAt(back) {
      const noted = [...versions.keys()];
      // Rather a late one: an early one touches all dates that there are.
      return noted[noted.length - 1 - Math.floor(back ** 2 * noted.length)] ?? 0;
    },
    kept: () => [...now.kept.values()],
  };
}
