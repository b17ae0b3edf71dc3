import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { generateWriteKey, openKeyStore } from '../src/index.ts';

let directory: string;
let path: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'clicklake-keys-'));
  path = join(directory, 'secrets', 'keys.json');
});
afterEach(() => rm(directory, { recursive: true, force: true }));

test('the first opening makes one browser and one server key that others cannot read', async () => {
  const store = await openKeyStore(path);
  expect(store.list().map(({ kind }) => kind)).toEqual(['browser', 'server']);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect((await stat(join(directory, 'secrets'))).mode & 0o777).toBe(0o700);
  expect((await openKeyStore(path)).list()).toEqual(store.list());
});

test('keys are found by their whole secret only', async () => {
  const store = await openKeyStore(path);
  const [first] = store.list();
  expect(store.find(first?.key ?? '')).toEqual(first);
  expect(store.find(first?.key.slice(0, -1) ?? '')).toBeUndefined();
  expect(store.find('')).toBeUndefined();
});

test('creations and revocations at the same time all reach the file', async () => {
  const store = await openKeyStore(path);
  const created = await Promise.all(['a', 'b', 'c'].map((name) => store.create({ name, kind: 'server' })));
  const [first, second] = store.list();
  expect(await Promise.all([store.revoke(first?.key ?? ''), store.revoke('wks_nobody')])).toEqual([
    true,
    false,
  ]);
  const reopened = await openKeyStore(path);
  expect(reopened.list()).toEqual([second, ...created]);
  expect(reopened.list()).toEqual(store.list());
});

test('a widened mode is narrowed again', async () => {
  await openKeyStore(path);
  await chmod(path, 0o644);
  await openKeyStore(path);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});

test.each(['{', '{"version":1}', '{"version":1,"keys":[{"key":"short"}]}'])(
  'a file that is not ours is reported, and left as it is: %s',
  async (content) => {
    await openKeyStore(path);
    await writeFile(path, content);
    await expect(openKeyStore(path)).rejects.toMatchObject({ code: 'keys-file-invalid', details: { path } });
    expect(await readFile(path, 'utf8')).toBe(content);
  },
);

test.each([
  { name: '', kind: 'server' },
  { name: 'x', kind: 'server', sourceId: 'é'.repeat(65) },
  { name: 'x', kind: 'browser', allowedOrigins: ['https://shop.example/path'] },
  { name: 'x', kind: 'browser', allowedOrigins: ['shop.example'] },
  { name: 'x', kind: 'server', rateLimitDeadLettersPerMinute: 0 },
] as const)('no key is made of %o', (wanted) => {
  expect(() => generateWriteKey(wanted)).toThrow(expect.objectContaining({ code: 'key-option-invalid' }));
});

test('what another process makes of the keys is taken over, and kept by the next change', async () => {
  const running = await openKeyStore(path);
  const [browser, server] = running.list();
  const other = await openKeyStore(path);
  const created = await other.create({ name: 'theirs', kind: 'server' });
  await other.revoke(browser?.key ?? '');
  expect(running.find(created.key)).toBeUndefined();
  await running.refresh();
  expect(running.list()).toEqual([server, created]);
  // Without a look at the file in between.
  const late = await other.create({ name: 'late', kind: 'server' });
  const mine = await running.create({ name: 'mine', kind: 'server' });
  expect((await openKeyStore(path)).list()).toEqual([server, created, late, mine]);
  await writeFile(path, 'no keys');
  await expect(running.refresh()).rejects.toMatchObject({ code: 'keys-file-invalid' });
  expect(running.find(mine.key)).toEqual(mine);
});

test('processes that change the keys at the same time lose none of it', async () => {
  await openKeyStore(path);
  const stores = await Promise.all(Array.from({ length: 4 }, () => openKeyStore(path)));
  const created = await Promise.all(
    stores.map((store, index) => store.create({ name: `key ${index}`, kind: 'server' })),
  );
  const kept = new Set((await openKeyStore(path)).list().map(({ key }) => key));
  expect(created.every(({ key }) => kept.has(key))).toBe(true);
});
