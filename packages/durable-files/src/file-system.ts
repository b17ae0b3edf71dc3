/**
 * The file layer. The event log, the Delta store and the dedupe state do all their I/O through it, so
 * that one test implementation can take the power away (SPEC S5.2): nothing is durable before `sync`
 * of the file and, for a name that was created, renamed or removed, `syncDirectory` of its parent.
 *
 * Errors are Node's own (`ENOENT`, `EEXIST`, `ENOSPC`, …): callers match on `code`.
 */
export interface FileSystem {
  open(path: string, mode: OpenMode): Promise<OpenFile>;
  readFile(path: string): Promise<Buffer>;
  stat(path: string): Promise<FileStat | undefined>;
  /** Names, unsorted; an absent directory is empty. */
  list(directory: string): Promise<string[]>;
  /** Creates missing parents too and makes the new directory entries durable. */
  makeDirectory(path: string): Promise<void>;
  /** Replaces `to` when it exists. Not durable before `syncDirectory`. */
  rename(from: string, to: string): Promise<void>;
  /** `EEXIST` when `to` exists: the put-if-absent of a local disk. */
  link(from: string, to: string): Promise<void>;
  /** An absent file is no error. */
  remove(path: string): Promise<void>;
  syncDirectory(path: string): Promise<void>;
  /** Makes a file durable that something else wrote (DuckDB's Parquet). */
  syncFile(path: string): Promise<void>;
  /** Bytes that an unprivileged writer may still write to the file system of `path`. */
  freeBytes(path: string): Promise<number>;
}

/** `create` fails when the file exists; `append` opens for reading and writing, creating when absent. */
export type OpenMode = 'read' | 'create' | 'append';

export interface OpenFile {
  /**
   * Reads up to `length` bytes; fewer only at the end of the file.
   *
   * @param into at least `length` bytes, which may be used for the answer instead of new ones.
   */
  read(position: number, length: number, into?: Buffer): Promise<Buffer>;
  /** Writes all of the buffers, in order, starting at `position`. */
  write(buffers: readonly Uint8Array[], position: number): Promise<void>;
  truncate(length: number): Promise<void>;
  size(): Promise<number>;
  /** Makes the file's bytes and size durable (fdatasync). A failure is fatal to the writer (S5.1). */
  sync(): Promise<void>;
  close(): Promise<void>;
}

export interface FileStat {
  readonly size: number;
  readonly modifiedMs: number;
  readonly isDirectory: boolean;
}
