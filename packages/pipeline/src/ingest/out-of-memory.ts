/** Whether DuckDB refused, at the root of an error, to take more memory than its limit. Its errors have no code. */
export function isOutOfMemory(error: unknown): boolean {
  let root = error;
  while (root instanceof Error && root.cause !== undefined) root = root.cause;
  return root instanceof Error && root.message.startsWith('Out of Memory Error');
}
