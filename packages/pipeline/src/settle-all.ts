/**
 * `Promise.all` that waits for every promise before it rejects. What runs on a DuckDB connection must have come to
 * its end before anybody repeats it or closes the connection under it.
 */
export async function settleAll<const Values extends readonly unknown[]>(promises: {
  readonly [Index in keyof Values]: Promise<Values[Index]>;
}): Promise<Values> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}
