/**
 * Who may write a table: one at a time, in the order of asking. The one mechanism for jobs and for commands that
 * rewrite, restore or make tables (S7.4). Ingest is not among them: its appends go together with each of these by
 * Delta's own conflict rules.
 */
export interface TableClaims {
  /**
   * Does work that writes these tables once nobody else does. All tables are asked for at once, so that no two can
   * wait for each other.
   */
  hold<T>(tables: readonly string[], work: () => Promise<T>): Promise<T>;
  /** Resolves once nobody holds a table, nor waits for one. */
  idle(): Promise<void>;
}

export function createTableClaims(): TableClaims {
  /** The newest claim on each table, whether it is held already or waits. */
  const newest = new Map<string, Promise<void>>();
  return {
    async hold(tables, work) {
      const before = tables.flatMap((table) => newest.get(table) ?? []);
      const { promise: released, resolve: release } = Promise.withResolvers<undefined>();
      for (const table of tables) newest.set(table, released);
      try {
        await Promise.all(before);
        return await work();
      } finally {
        release(undefined);
        for (const table of tables) if (newest.get(table) === released) newest.delete(table);
      }
    },
    async idle() {
      while (newest.size > 0) await Promise.all(newest.values());
    },
  };
}
