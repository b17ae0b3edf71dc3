export interface Ordered {
  readonly name: string;
  /** Names of others; one that is not among the items needs no waiting for. */
  readonly inputs: readonly string[];
}

/**
 * Does each item's work once its inputs' is done, some at a time, the earlier ones first. After a failure none is
 * begun; it rejects with the first failure when those under way have ended.
 *
 * @param items without a circle of inputs.
 * @returns results in the order of the items.
 */
export async function inOrderOfInputs<Item extends Ordered, Result>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const results = new Map<Item, Result>();
  const waiting = new Set(items);
  const underWay = new Map<Item, Promise<void>>();
  const failures: unknown[] = [];
  const isDone = (name: string): boolean =>
    [...waiting, ...underWay.keys()].every((item) => item.name !== name);

  async function begin(item: Item): Promise<void> {
    try {
      // Later, so that it counts as under way by then.
      await Promise.resolve();
      results.set(item, await work(item));
    } catch (error) {
      failures.push(error);
    } finally {
      underWay.delete(item);
    }
  }

  for (;;) {
    for (const item of failures.length > 0 ? [] : [...waiting]) {
      if (underWay.size >= atOnce || !item.inputs.every(isDone)) continue;
      waiting.delete(item);
      underWay.set(item, begin(item));
    }
    if (underWay.size === 0) break;
    await Promise.race(underWay.values());
  }
  if (failures.length > 0) throw failures[0];
  return items.flatMap((item) => (results.has(item) ? [results.get(item) as Result] : []));
}
