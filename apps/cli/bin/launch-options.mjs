// Plain JavaScript for any Node from 18, as whatever imports it.

/**
 * What Node 24 is started with for a command: flags of V8 and variables of the environment, which are too late to set
 * once it runs. Both are defaults: a variable that is set stays, and so does a flag in NODE_OPTIONS, which one on the
 * command line would override.
 *
 * @param {readonly string[]} args of the command line.
 * @param {Readonly<Record<string, string | undefined>>} given the environment of whoever starts it.
 * @returns {{ flags: readonly string[], environment: Readonly<Record<string, string>> }}
 */
export function launchOptions(args, given = process.env) {
  const [name, value] = args.includes('--until-caught-up')
    ? // A catch-up that ends by itself may have memory for speed: V8 then lets the heap grow six-fold before it
      // collects it all again, which is a twentieth of the CPU time.
      ['--heap-growing-percent', '500']
    : // What runs for days lives beside other programs. Batches die young: a larger young generation only keeps them.
      ['--max-semi-space-size', '4'];
  return {
    flags: isIn(given.NODE_OPTIONS, name) ? [] : [`${name}=${value}`],
    environment: {
      // A DuckDB statement holds one of these threads while it runs: Node's four leave none for files and fsync while
      // ingest catches up.
      UV_THREADPOOL_SIZE: given.UV_THREADPOOL_SIZE ?? '8',
      // With an arena for each thread, glibc keeps half as much again of what statements gave back.
      MALLOC_ARENA_MAX: given.MALLOC_ARENA_MAX ?? '2',
    },
  };
}

/** V8 takes `_` for `-` in the names of its flags. */
function isIn(nodeOptions = '', name) {
  const names = nodeOptions.split(/[\s"]+/).map((option) => option.split('=')[0].replaceAll('_', '-'));
  return names.includes(name);
}
