import type { Visit } from './visit.ts';

/** The visits in progress, the one with the earliest due event first: a binary heap. */
export interface VisitQueue {
  readonly size: number;
  /** Null when nobody is there. */
  first(): Visit | null;
  add(visit: Visit): void;
  /** To be called when the first visit's `dueAt` has changed; a finished visit (Infinity) is removed. */
  reorderFirst(): void;
}

export function createVisitQueue(): VisitQueue {
  const heap: Visit[] = [];

  const siftUp = (visit: Visit, from: number): void => {
    let index = from;
    while (index > 0) {
      const parentIndex = (index - 1) >>> 1;
      const parent = heap[parentIndex];
      if (parent === undefined || parent.dueAt <= visit.dueAt) break;
      heap[index] = parent;
      index = parentIndex;
    }
    heap[index] = visit;
  };

  const siftDown = (visit: Visit): void => {
    let index = 0;
    for (;;) {
      const leftIndex = 2 * index + 1;
      const left = heap[leftIndex];
      if (left === undefined) break;
      const right = heap[leftIndex + 1];
      const rightIsEarlier = right !== undefined && right.dueAt < left.dueAt;
      const child = rightIsEarlier ? right : left;
      if (child.dueAt >= visit.dueAt) break;
      heap[index] = child;
      index = rightIsEarlier ? leftIndex + 1 : leftIndex;
    }
    heap[index] = visit;
  };

  return {
    get size() {
      return heap.length;
    },
    first: () => heap[0] ?? null,
    add: (visit) => siftUp(visit, heap.length),
    reorderFirst() {
      const first = heap[0];
      if (first === undefined) return;
      if (first.dueAt !== Infinity) {
        siftDown(first);
        return;
      }
      const last = heap.pop();
      if (last !== undefined && last !== first) siftDown(last);
    },
  };
}
