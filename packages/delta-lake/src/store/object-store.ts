/** What the store knows about an object without reading it. */
export interface StoredObject {
  /** Relative to the table's root, `/`-separated, never starting with one: `_delta_log/….json`. */
  readonly key: string;
  readonly size: number;
  /** Milliseconds since the epoch, by the store's clock. */
  readonly modifiedMs: number;
}

/** A file that DuckDB wrote into the staging directory and the key that it shall get. */
export interface StagedObject {
  readonly localPath: string;
  readonly key: string;
}

/**
 * The port under a Delta table: one store per table root. Every implementation passes
 * `test/object-store-conformance.ts`.
 *
 * Durability: when `put`, `putIfAbsent` or `adopt` resolve, the object and its name survive a power cut
 * (S5.1); what `get`, `head` or `list` show does too, at the latest when the store is first listed.
 * Consistency: `get`, `head` and `list` see every object whose write resolved before they were called.
 * Errors other than the named ones are the medium's own (`ENOSPC`, `EACCES`, …) and are never swallowed.
 */
export interface ObjectStore {
  /** @throws DeltaError `store-not-found`. */
  get(key: string): Promise<Buffer>;
  /** Creates or replaces, atomically: a reader sees the old bytes or the new. */
  put(key: string, bytes: Uint8Array): Promise<void>;
  /**
   * Creates the object if its key is free, atomically against every other writer, in any process. True: it
   * now holds exactly these bytes, durably. False: somebody else's object is there. A store whose answer may
   * get lost (a time-out) reads the object back and compares before it answers. It rejects only if it is
   * unknown whether the object is durably there.
   */
  putIfAbsent(key: string, bytes: Uint8Array): Promise<boolean>;
  head(key: string): Promise<StoredObject | undefined>;
  /**
   * Every object whose key starts with `prefix`, in order of key (by UTF-8 bytes). With `startAfter` (a whole
   * key) only the keys after it; nothing is spent on those before. An absent prefix is empty.
   */
  list(prefix: string, startAfter?: string): AsyncIterable<StoredObject>;
  /** Absent keys are no error. */
  remove(keys: readonly string[]): Promise<void>;
  /** What DuckDB's `read_parquet` opens: a file path, or a URL that its connection has the secrets for. */
  location(key: string): string;
  /**
   * A new, empty, local directory for DuckDB to write into. A name under the table's root starts with `_`,
   * which keeps VACUUM away from it. Whoever asked for it calls `discardStaging`.
   */
  createStaging(): Promise<string>;
  /** Makes staged files durable under their keys and takes them away. An object that has the key is replaced. */
  adopt(files: readonly StagedObject[]): Promise<readonly StoredObject[]>;
  discardStaging(directory: string): Promise<void>;
  /**
   * What writers that died have left behind outside of every key: staging directories, and files that never got
   * their name. Keys as `list` would spell them, `modifiedMs` of whatever in it changed last; a live writer's
   * are among them, so only their age tells that nobody will come back for them.
   */
  leftovers(): Promise<readonly StoredObject[]>;
  /** Takes leftovers away, by their keys. Absent ones are no error. */
  discardLeftovers(keys: readonly string[]): Promise<void>;
}

/**
 * Opens the store of one table, by the directory or prefix that is its root. Where tables lie is chosen by whoever puts
 * the parts together: nobody else names an implementation.
 */
export type OpenStore = (root: string) => ObjectStore;

/** Orders keys as `list` does. JavaScript's own order differs beyond the Basic Multilingual Plane. */
export function compareKeys(left: string, right: string): number {
  return Buffer.compare(Buffer.from(left), Buffer.from(right));
}
