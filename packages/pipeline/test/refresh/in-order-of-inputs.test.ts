import { describe, expect, test } from 'vitest';
import { inOrderOfInputs, type Ordered } from '../../src/refresh/in-order-of-inputs.ts';

const graph: readonly Ordered[] = [
  { name: 'sessions', inputs: ['silver'] },
  { name: 'activity', inputs: ['silver', 'sessions'] },
  { name: 'totals', inputs: ['activity'] },
  { name: 'products', inputs: ['silver'] },
  { name: 'rates', inputs: ['products'] },
];

/** Work that ends when the test says so. */
function byHand(): {
  readonly begun: string[];
  readonly work: (item: Ordered) => Promise<string>;
  readonly end: (name: string, failure?: Error) => Promise<void>;
} {
  const begun: string[] = [];
  const open = new Map<string, PromiseWithResolvers<string>>();
  return {
    begun,
    work({ name }) {
      begun.push(name);
      const promise = Promise.withResolvers<string>();
      open.set(name, promise);
      return promise.promise;
    },
    async end(name, failure) {
      const promise = open.get(name);
      if (promise === undefined) throw new Error(`${name} is not under way`);
      if (failure === undefined) promise.resolve(`${name} made`);
      else promise.reject(failure);
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

describe('work in the order of inputs', () => {
  test('each begins once its inputs are there, two at a time, the earlier ones first', async () => {
    const { begun, work, end } = byHand();
    const all = inOrderOfInputs(graph, 2, work);
    await new Promise((resolve) => setImmediate(resolve));
    expect(begun).toEqual(['sessions', 'products']);
    await end('products');
    expect(begun).toEqual(['sessions', 'products', 'rates']);
    await end('sessions');
    expect(begun).toEqual(['sessions', 'products', 'rates', 'activity']);
    await end('activity');
    await end('rates');
    await end('totals');
    expect(await all).toEqual(graph.map(({ name }) => `${name} made`));
  });

  test('after a failure none is begun, and it rejects when those under way have ended', async () => {
    const { begun, work, end } = byHand();
    const failure = new Error('no products today');
    let rejected: unknown;
    const all = inOrderOfInputs(graph, 2, work).catch((error: unknown) => {
      rejected = error;
    });
    await new Promise((resolve) => setImmediate(resolve));
    await end('products', failure);
    expect(rejected).toBeUndefined();
    await end('sessions');
    await all;
    expect(rejected).toBe(failure);
    expect(begun).toEqual(['sessions', 'products']);
  });

  test('work that fails before it waits for anything is a failure like any other', async () => {
    const failure = new Error('at once');
    const work = (): Promise<never> => {
      throw failure;
    };
    await expect(inOrderOfInputs(graph, 2, work)).rejects.toBe(failure);
    expect(await inOrderOfInputs([], 2, work)).toEqual([]);
  });
});
