import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { linkFileDurably, nodeFileSystem, writeFileDurably, type FileSystem } from '@clicklake/durable-files';
import { faultyFileSystem, noFaults, powerCutFileSystem } from '@clicklake/durable-files/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

let root: string;
beforeEach(async () => {
  root = await fs.mkdtemp(join(tmpdir(), 'files-'));
});
afterEach(() => fs.rm(root, { recursive: true }));

const implementations: [string, () => FileSystem][] = [
  ['nodeFileSystem', () => nodeFileSystem],
  ['powerCutFileSystem', () => powerCutFileSystem(root, 1)],
  ['faultyFileSystem without faults', () => faultyFileSystem(nodeFileSystem, noFaults())],
];

describe.each(implementations)('%s', (_, create) => {
  it('writes many buffers, reads any part, truncates', async () => {
    const files = create();
    const file = await files.open(join(root, 'f'), 'create');
    const buffers = Array.from({ length: 3000 }, (__, index) => Buffer.from(`${index},`));
    await file.write([Buffer.alloc(0), ...buffers], 2);
    await file.sync();
    const whole = `\0\0${Buffer.concat(buffers).toString()}`;
    expect((await file.read(0, 1 << 20)).toString()).toBe(whole);
    expect((await file.read(2, 4)).toString()).toBe('0,1,');
    expect((await file.read(whole.length, 10)).length).toBe(0);
    await file.truncate(3);
    expect(await file.size()).toBe(3);
    await file.close();
    expect((await files.readFile(join(root, 'f'))).toString()).toBe('\0\x000');
    await expect(files.open(join(root, 'f'), 'create')).rejects.toMatchObject({ code: 'EEXIST' });
    await expect(files.open(join(root, 'g'), 'read')).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('makes, lists, renames, links and removes names', async () => {
    const files = create();
    await files.makeDirectory(join(root, 'a/b'));
    await files.makeDirectory(join(root, 'a/b'));
    expect(await files.list(join(root, 'nowhere'))).toEqual([]);
    await writeFileDurably(files, join(root, 'a/one'), Buffer.from('1'));
    await writeFileDurably(files, join(root, 'a/one'), Buffer.from('2'));
    expect(await linkFileDurably(files, join(root, 'a/one'), Buffer.from('3'))).toBe(false);
    expect(await linkFileDurably(files, join(root, 'a/two'), Buffer.from('3'))).toBe(true);
    expect((await files.list(join(root, 'a'))).toSorted()).toEqual(['b', 'one', 'two']);
    await files.rename(join(root, 'a/one'), join(root, 'a/two'));
    expect((await files.readFile(join(root, 'a/two'))).toString()).toBe('2');
    expect(await files.stat(join(root, 'a/two'))).toMatchObject({ size: 1, isDirectory: false });
    expect(await files.stat(join(root, 'a/b'))).toMatchObject({ isDirectory: true });
    await files.remove(join(root, 'a/two'));
    await files.remove(join(root, 'a/two'));
    expect(await files.stat(join(root, 'a/two'))).toBeUndefined();
    expect(await files.freeBytes(root)).toBeGreaterThan(0);
  });
});

describe('writeFileDurably', () => {
  it('leaves the old file, and no temporary one, when the disk is full, broken or read-only', async () => {
    const path = join(root, 'f');
    await fs.writeFile(path, 'old');
    for (const fault of [{ bytesLeft: 2 }, { syncsLeft: 0 }, { readOnly: true }]) {
      const files = faultyFileSystem(nodeFileSystem, { ...noFaults(), ...fault });
      await expect(writeFileDurably(files, path, Buffer.from('new'))).rejects.toMatchObject({
        code: expect.stringMatching(/ENOSPC|EIO|EROFS/) as string,
      });
      expect(await fs.readdir(root)).toEqual(['f']);
      expect(await fs.readFile(path, 'utf8')).toBe('old');
    }
  });
});

describe('faultyFileSystem', () => {
  it('cuts the write short that meets the end of the disk', async () => {
    const faults = { ...noFaults(), bytesLeft: 5 };
    const file = await faultyFileSystem(nodeFileSystem, faults).open(join(root, 'f'), 'create');
    await file.write([Buffer.from('abc')], 0);
    await expect(file.write([Buffer.from('def')], 3)).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(await file.size()).toBe(5);
    faults.bytesLeft = 3;
    await file.write([Buffer.from('def')], 3);
    await file.close();
    expect(await fs.readFile(join(root, 'f'), 'utf8')).toBe('abcdef');
  });

  it('fails the sync it is told to, and every one after', async () => {
    const faults = { ...noFaults(), syncsLeft: 1 };
    const file = await faultyFileSystem(nodeFileSystem, faults).open(join(root, 'f'), 'create');
    await file.sync();
    await expect(file.sync()).rejects.toMatchObject({ code: 'EIO' });
    await expect(file.sync()).rejects.toMatchObject({ code: 'EIO' });
    await file.close();
  });
});
