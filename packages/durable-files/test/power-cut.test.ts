import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { linkFileDurably, writeFileDurably, type FileSystem } from '@clicklake/durable-files';
import { powerCutFileSystem } from '@clicklake/durable-files/testing';
import { describe, expect, it } from 'vitest';

const seeds = Array.from({ length: 60 }, (_, seed) => seed);
const text = (letter: string, length: number) => Buffer.alloc(length, letter);

/** What is found under a root after each seed's power cut; `undefined` for a file that is gone. */
async function outcomes(
  name: string,
  before: (root: string) => Promise<void>,
  live: (files: FileSystem, root: string) => Promise<void>,
): Promise<(string | undefined)[]> {
  return Promise.all(
    seeds.map(async (seed) => {
      const root = await fs.mkdtemp(join(tmpdir(), 'power-'));
      try {
        await before(root);
        const files = powerCutFileSystem(root, seed);
        await live(files, root);
        await files.cut();
        return await fs.readFile(join(root, name), 'latin1').catch(() => undefined);
      } finally {
        await fs.rm(root, { recursive: true });
      }
    }),
  );
}

const nothing = () => Promise.resolve();

async function write(files: FileSystem, path: string, bytes: Buffer, sync: boolean): Promise<void> {
  const file = await files.open(path, 'append');
  await file.write([bytes], 0);
  if (sync) await file.sync();
  await file.close();
}

describe('powerCutFileSystem', () => {
  it('keeps what was synced, its name too', async () => {
    const content = text('a', 10_000);
    const found = await outcomes('f', nothing, async (files, root) => {
      await write(files, join(root, 'f'), content, true);
      await files.syncDirectory(root);
    });
    expect(new Set(found)).toEqual(new Set([content.toString('latin1')]));
  });

  it('catches a writer that forgets to sync the directory', async () => {
    const found = await outcomes('f', nothing, (files, root) =>
      write(files, join(root, 'f'), text('a', 10), true),
    );
    expect(new Set(found)).toEqual(new Set([undefined, 'aaaaaaaaaa']));
  });

  it('catches a writer that forgets to sync the file: lost, torn, zeroed, or out of order', async () => {
    const found = await outcomes('f', nothing, async (files, root) => {
      await write(files, join(root, 'f'), text('a', 20_000), false);
      await files.syncDirectory(root);
    });
    expect(found).toContain('');
    expect(found).toContain('a'.repeat(20_000));
    expect(
      found.some((content) => content !== undefined && /^a+$/.test(content) && content.length < 20_000),
    ).toBe(true);
    expect(found.some((content) => content?.includes('\0'))).toBe(true);
    // A later page is there, an earlier one is not.
    expect(found.some((content) => content?.includes('\0a'))).toBe(true);
  });

  it('mixes old and new bytes of a file that was overwritten in place', async () => {
    const found = await outcomes(
      'f',
      (root) => fs.writeFile(join(root, 'f'), text('a', 20_000)),
      (files, root) => write(files, join(root, 'f'), text('b', 20_000), false),
    );
    expect(found).toContain('a'.repeat(20_000));
    expect(found).toContain('b'.repeat(20_000));
    expect(found.some((content) => content?.includes('a') && content.includes('b'))).toBe(true);
    expect(found.every((content) => content?.length === 20_000)).toBe(true);
  });

  it('may bring back what was removed, truncated or renamed without a sync', async () => {
    const removed = await outcomes(
      'f',
      (root) => fs.writeFile(join(root, 'f'), 'old'),
      (files, root) => files.remove(join(root, 'f')),
    );
    expect(new Set(removed)).toEqual(new Set(['old', undefined]));

    const truncated = await outcomes(
      'f',
      (root) => fs.writeFile(join(root, 'f'), 'old'),
      async (files, root) => {
        const file = await files.open(join(root, 'f'), 'append');
        await file.truncate(0);
        await file.close();
      },
    );
    expect(new Set(truncated)).toEqual(new Set(['old', '']));

    const renamed = await outcomes(
      'f',
      async (root) => {
        await fs.writeFile(join(root, 'f'), 'old');
        await fs.writeFile(join(root, 'g'), 'new');
      },
      (files, root) => files.rename(join(root, 'g'), join(root, 'f')),
    );
    expect(new Set(renamed)).toEqual(new Set(['old', 'new']));
  });

  it('keeps the directory changes that were synced, and loses later ones in any order', async () => {
    const root = await fs.mkdtemp(join(tmpdir(), 'power-'));
    const kept = new Set<string>();
    for (const seed of seeds) {
      await fs.rm(root, { recursive: true });
      await fs.mkdir(root);
      const files = powerCutFileSystem(root, seed);
      await write(files, join(root, 'synced'), text('a', 1), true);
      await files.syncDirectory(root);
      for (const name of ['1', '2', '3']) await write(files, join(root, name), text('a', 1), true);
      await files.cut();
      kept.add((await fs.readdir(root)).toSorted().join());
    }
    await fs.rm(root, { recursive: true });
    expect([...kept].every((names) => names.endsWith('synced'))).toBe(true);
    expect(kept).toContain('synced');
    expect(kept).toContain('3,synced');
    expect(kept).toContain('1,2,3,synced');
  });

  it('counts files that something else wrote as unsynced', async () => {
    const foreign = (root: string) => fs.writeFile(join(root, 'f'), text('a', 9000));
    const whole = 'a'.repeat(9000);
    const forgotten = await outcomes('f', nothing, (_, root) => foreign(root));
    expect(forgotten).toContain(undefined);
    expect(forgotten.some((content) => content !== undefined && content !== whole)).toBe(true);

    const synced = await outcomes('f', nothing, async (files, root) => {
      await foreign(root);
      await files.syncFile(join(root, 'f'));
      await files.syncDirectory(root);
    });
    expect(new Set(synced)).toEqual(new Set([whole]));
  });

  it('loses a directory that something else made, with all that is in it', async () => {
    const found = await outcomes('d/f', nothing, async (files, root) => {
      await fs.mkdir(join(root, 'd'));
      await write(files, join(root, 'd/f'), text('a', 3), true);
      await files.syncDirectory(join(root, 'd'));
    });
    expect(new Set(found)).toEqual(new Set([undefined, 'aaa']));
    const made = await outcomes('d/f', nothing, async (files, root) => {
      await files.makeDirectory(join(root, 'd'));
      await write(files, join(root, 'd/f'), text('a', 3), true);
      await files.syncDirectory(join(root, 'd'));
    });
    expect(new Set(made)).toEqual(new Set(['aaa']));
  });

  it('never breaks what is written durably', async () => {
    const replaced = await outcomes(
      'f',
      (root) => fs.writeFile(join(root, 'f'), 'old'),
      (files, root) => writeFileDurably(files, join(root, 'f'), Buffer.from('new')),
    );
    expect(new Set(replaced)).toEqual(new Set(['new']));
    const linked = await outcomes('f', nothing, async (files, root) => {
      await linkFileDurably(files, join(root, 'f'), Buffer.from('new'));
    });
    expect(new Set(linked)).toEqual(new Set(['new']));
  });

  it('fails every handle after the cut, repeats itself for a seed, and drops locks', async () => {
    const results: string[] = [];
    for (let run = 0; run < 2; run += 1) {
      const root = await fs.mkdtemp(join(tmpdir(), 'power-'));
      const files = powerCutFileSystem(root, 7);
      const file = await files.open(join(root, 'f'), 'create');
      await file.write([text('a', 50_000)], 0);
      await files.syncDirectory(root);
      await fs.writeFile(join(root, 'writer.lock'), 'held');
      await files.syncDirectory(root);
      await files.cut();
      await expect(file.write([text('b', 1)], 0)).rejects.toMatchObject({ code: 'EIO' });
      await expect(file.sync()).rejects.toMatchObject({ code: 'EIO' });
      await expect(files.list(root)).rejects.toMatchObject({ code: 'EIO' });
      await file.close();
      expect(await fs.readdir(root)).toEqual(['f']);
      results.push(await fs.readFile(join(root, 'f'), 'latin1'));
      await fs.rm(root, { recursive: true });
    }
    expect(results[0]).toBe(results[1]);
  });
});
