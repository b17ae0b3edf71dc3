// Plain JavaScript for any Node from 18, as whatever imports it.

/**
 * What Node 24 is started with for a command: flags of V8 and variables of the environment, which are too late to set
 * once it runs.
 *
 * @param {readonly string[]} args of the command line.
 * @returns {{ flags: readonly string[], environment: Readonly<Record<string, string>> }}
 */
export function launchOptions(args) {
  return {
    flags: args.includes('--until-caught-up')
      ? // A catch-up that ends by itself may have memory for speed: V8 then lets the heap grow six-fold before it
        // collects it all again, which is a twentieth of the CPU time.
        ['--heap-growing-percent=500']
      : // What runs for days lives beside other programs. Batches die young: a larger young generation only keeps them.
        ['--max-semi-space-size=4'],
    environment: {
      // A DuckDB statement holds one of these threads while it runs: Node's four leave none for files and fsync while
      // ingest catches up.
      UV_THREADPOOL_SIZE: '8',
      // With an arena for each thread, glibc keeps half as much again of what statements gave back.
      MALLOC_ARENA_MAX: '2',
    },
  };
}
