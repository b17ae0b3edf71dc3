import type { Visit } from './visit.ts';

/**
 * The visits in progress, the one with the earliest due event first: a binary heap. The times stand in an array
 * of their own, so that ordering tens of thousands of visits touches none of them.
 */
export interface VisitQueue {
  /** The visit whose event is due first, or null when nobody is there. */
  first(): Visit | null;
  /** When that event is due, ms since the epoch; Infinity when nobody is there. */
  firstDueAt(): number;
  add(visit: Visit, dueAt: number): void;
  /** Gives the first visit its next time; null removes it. */
  reschedule(dueAt: number | null): void;
}

const firstCapacity = 1024;

export function createVisitQueue(): VisitQueue {
  let times = new Float64Array(firstCapacity);
  const visits: Visit[] = [];

  const put = (index: number, visit: Visit, dueAt: number): void => {
    visits[index] = visit;
    times[index] = dueAt;
  };

  const siftUp = (visit: Visit, dueAt: number): void => {
    let index = visits.length;
    while (index > 0) {
      const parentIndex = (index - 1) >>> 1;
      const parent = visits[parentIndex];
      const parentDueAt = times[parentIndex] ?? 0;
      if (parent === undefined || parentDueAt <= dueAt) break;
      put(index, parent, parentDueAt);
      index = parentIndex;
    }
    put(index, visit, dueAt);
  };

  const siftDown = (visit: Visit, dueAt: number): void => {
    let index = 0;
    for (;;) {
      const left = 2 * index + 1;
      if (left >= visits.length) break;
      const right = left + 1;
      const rightIsEarlier = right < visits.length && (times[right] ?? 0) < (times[left] ?? 0);
      const child = rightIsEarlier ? right : left;
      const childVisit = visits[child];
      const childDueAt = times[child] ?? 0;
      if (childVisit === undefined || childDueAt >= dueAt) break;
      put(index, childVisit, childDueAt);
      index = child;
    }
    put(index, visit, dueAt);
  };

  return {
    first: () => visits[0] ?? null,
    firstDueAt: () => (visits.length === 0 ? Infinity : (times[0] ?? Infinity)),
    add(visit, dueAt) {
      if (visits.length === times.length) {
        const larger = new Float64Array(2 * times.length);
        larger.set(times);
        times = larger;
      }
      siftUp(visit, dueAt);
    },
    reschedule(dueAt) {
      const first = visits[0];
      if (first === undefined) return;
      if (dueAt !== null) {
        siftDown(first, dueAt);
        return;
      }
      const last = visits.pop();
      if (last !== undefined && last !== first) siftDown(last, times[visits.length] ?? 0);
    },
  };
}
