import { dirname } from 'node:path';
import type { Random } from './seeded-random.ts';

/** What a name stands for; the file's identity, so that two links are one file. */
export type Entry<File> = { readonly kind: 'directory' } | { readonly kind: 'file'; readonly file: File };

/** One atomic change of a directory: a rename within it takes one name away and gives another. */
export type EntryChange<File> = readonly (readonly [path: string, entry: Entry<File> | undefined])[];

/** The names below a root: as the processes see them, and as far as their directories were synced. */
export interface DirectoryEntries<File> {
  get(path: string): Entry<File> | undefined;
  all(): ReadonlyMap<string, Entry<File>>;
  /** Changes names; not durable before `sync` of their directory. */
  change(change: EntryChange<File>): void;
  /** Makes all earlier changes in a directory durable. */
  sync(directory: string): void;
  /** What may be there after a power cut: of the changes that were not synced, any. */
  afterCut(random: Random): ReadonlyMap<string, Entry<File>>;
}

export function directoryEntries<File>(root: string): DirectoryEntries<File> {
  const current = new Map<string, Entry<File>>();
  const durable = new Map<string, Entry<File>>();
  let pending: { readonly directory: string; readonly change: EntryChange<File> }[] = [];

  return {
    get: (path) => current.get(path),
    all: () => current,
    change(change) {
      apply(current, change);
      // Each directory is synced for itself: a move between two may be half done after a power cut.
      for (const directory of new Set(change.map(([path]) => dirname(path)))) {
        pending.push({ directory, change: change.filter(([path]) => dirname(path) === directory) });
      }
    },
    sync(directory) {
      for (const each of pending) if (each.directory === directory) apply(durable, each.change);
      pending = pending.filter((each) => each.directory !== directory);
    },
    afterCut(random) {
      const survived = new Map(durable);
      for (const { change } of pending) if (random() < 0.5) apply(survived, change);
      return withParents(root, survived);
    },
  };
}

function apply<File>(entries: Map<string, Entry<File>>, change: EntryChange<File>): void {
  for (const [path, entry] of change) {
    if (entry === undefined) entries.delete(path);
    else entries.set(path, entry);
  }
}

/** With a directory goes all that is in it. */
function withParents<File>(
  root: string,
  entries: ReadonlyMap<string, Entry<File>>,
): Map<string, Entry<File>> {
  const isReachable = (path: string): boolean => {
    const parent = dirname(path);
    return parent === root || (entries.get(parent)?.kind === 'directory' && isReachable(parent));
  };
  return new Map([...entries].filter(([path]) => isReachable(path)));
}
