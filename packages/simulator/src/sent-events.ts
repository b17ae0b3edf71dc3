import type { Random } from './random.ts';
import type { SimulatedEvent } from './simulated-event.ts';

/** An event with when it was first sent, ms since the epoch. */
export interface SentEvent extends SimulatedEvent {
  readonly sentAt: number;
}

/** What was sent before, as far as it may be sent again. */
export interface SentEvents {
  add(event: SentEvent): void;
  /** The event sent last, or null. */
  latest(): SentEvent | null;
  /** One to repeat at `instant`: mostly a recent one, sometimes one from long ago; null when there is none. */
  drawRepeated(random: Random, instant: number): SentEvent | null;
}

const recentCapacity = 1024;
const oldCapacity = 1024;
/** Repeats within the same request: a client that retries at once. */
const sameBatchReach = 20;
const sameBatchShare = 0.4;
const oldShare = 0.2;

/**
 * A repeat is a duplicate only within the window of 7 days (S3.1); a day is left for the time between sending
 * and receipt.
 */
export const longestRepeatDelay = 6 * 86_400_000;

export function createSentEvents(random: Random): SentEvents {
  const recent: SentEvent[] = [];
  // A reservoir in which each of the past events had the same chance to stay, so repeats reach far back.
  const old: SentEvent[] = [];
  let count = 0;

  const recentAt = (distance: number): SentEvent | null =>
    recent[(count - 1 - distance + recentCapacity) % recentCapacity] ?? null;

  return {
    add(event) {
      recent[count % recentCapacity] = event;
      const slot = count < oldCapacity ? count : random.integer(count + 1);
      if (slot < oldCapacity) old[slot] = event;
      count += 1;
    },
    latest: () => (count === 0 ? null : recentAt(0)),
    drawRepeated(source, instant) {
      if (count === 0) return null;
      const draw = source.fraction();
      if (draw < oldShare) {
        const found = old[source.integer(old.length)];
        if (found !== undefined && instant - found.sentAt < longestRepeatDelay) return found;
      }
      const reach = draw < oldShare + sameBatchShare ? sameBatchReach : recentCapacity;
      const found = recentAt(source.integer(Math.min(count, reach)));
      return found !== null && instant - found.sentAt < longestRepeatDelay ? found : null;
    },
  };
}
