import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** What a home holds on the disk at one moment, by part: what must stay bounded. */
export interface DiskSample {
  /** Seconds since the soak began. */
  readonly at: number;
  readonly parts: Readonly<Record<string, { readonly files: number; readonly bytes: number }>>;
}

/** `log`, `state`, and for each table its data files and its `_delta_log`. */
export async function sampleDisk(home: string, at: number): Promise<DiskSample> {
  const parts: Record<string, { files: number; bytes: number }> = {};
  for (const root of ['log', 'state', 'lake']) {
    const entries = await readdir(join(home, root), { recursive: true, withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      const size = await stat(path).then(
        ({ size: bytes }) => bytes,
        () => 0,
      );
      const part = partOf(root, path.slice(home.length + 1));
      const known = (parts[part] ??= { files: 0, bytes: 0 });
      known.files += 1;
      known.bytes += size;
    }
  }
  return { at, parts };
}

/** `lake/<bucket>/clickstream/delta/_delta_log/…` → `silver _delta_log`. */
function partOf(root: string, path: string): string {
  if (root !== 'lake') return root;
  const [, bucket = '', ...rest] = path.split('/');
  const table = bucket.endsWith('silver') && rest[0] === 'clickstream' ? 'silver' : (rest[0] ?? bucket);
  return rest.includes('_delta_log') ? `${table} _delta_log` : table;
}

/**
 * Parts whose files are not bounded: by the end there were far more of them than ever in the middle of the soak. What
 * is deleted comes in waves, which a factor of two and a few files allow for.
 */
export function growingParts(samples: readonly DiskSample[]): readonly string[] {
  const third = Math.floor(samples.length / 3);
  const most = (some: readonly DiskSample[], part: string): number =>
    Math.max(0, ...some.map(({ parts }) => parts[part]?.files ?? 0));
  const names = new Set(samples.flatMap(({ parts }) => Object.keys(parts)));
  return [...names].filter(
    (part) => most(samples.slice(-third), part) > 2 * most(samples.slice(third, 2 * third), part) + 16,
  );
}
