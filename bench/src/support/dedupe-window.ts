import { copyFile, link, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { noCrashPoints, nodeFileSystem } from '@clicklake/durable-files';
import { defaultIngestSettings, lakePaths, openLakeDedupe, type LakePaths } from '@clicklake/pipeline';

const loadRows = 200_000;

/**
 * Gives a lake a dedupe window full of ids that no event has, of offset 0 of its three partitions, spread over the
 * seven days before `until`. It is filled once into a cache outside of the tree (`CLICKLAKE_CACHE`), and merged to its
 * end; a lake gets links to its files, which never change.
 */
export async function linkDedupeWindow(
  paths: LakePaths,
  ids: number,
  until: number,
  say: (line: string) => void,
): Promise<void> {
  const cache = process.env.CLICKLAKE_CACHE ?? join(homedir(), '.cache', 'clicklake');
  const home = join(cache, `bench-window-1-${ids}-${until}`);
  if ((await nodeFileSystem.stat(home)) === undefined) {
    say(`writing a window of ${ids} ids into ${home} (once)`);
    const unfinished = `${home}.part`;
    await rm(unfinished, { recursive: true, force: true });
    await mkdir(unfinished, { recursive: true });
    await fill(unfinished, ids, until, say);
    await rename(unfinished, home);
  }
  await linkAll(lakePaths(home).dedupe, paths.dedupe);
}

async function fill(home: string, ids: number, until: number, say: (line: string) => void): Promise<void> {
  const { index } = await openLakeDedupe(
    lakePaths(home),
    nodeFileSystem,
    noCrashPoints,
    defaultIngestSettings,
  );
  const first = until - defaultIngestSettings.dedupeWindowMs + 1;
  const random = splitMix(0x9e3779b9);
  for (let at = 0; at < ids; at += loadRows) {
    const count = Math.min(loadRows, ids - at);
    const hashes = new Uint32Array(count * 4);
    for (let word = 0; word < hashes.length; word += 1) hashes[word] = random();
    await index.load({
      count,
      hashes,
      receivedAt: new Float64Array(count).fill(first + Math.floor((at / ids) * (until - first))),
      partitions: new Int32Array(count),
      offsets: new Float64Array(count),
    });
    if (at % (50 * loadRows) === 0 && at > 0) say(`${at} of ${ids} ids`);
  }
  // What a window of this size looks like once its days are closed: the benchmark measures no leftover merges.
  await index.save(windowState, { force: true });
  await index.settled();
  await index.save(windowState, { force: true });
  await index.close();
}

/** The offsets that the lake's Silver names as committed, see `ingest-window`. */
const windowState = { silverVersion: 1, covered: [1n, 1n, 1n] };

async function linkAll(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) await linkAll(source, target);
    else if (/\.(?:keys|rows)$/.test(entry.name)) await link(source, target);
    else await copyFile(source, target);
  }
}

/** Uniform 32-bit words (Steele et al., SplitMix, in its 32-bit form). */
function splitMix(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  };
}
