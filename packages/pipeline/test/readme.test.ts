import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';

it('the README’s example runs and prints what it says', async () => {
  const readme = await readFile(join(import.meta.dirname, '../README.md'), 'utf8');
  const code = /```ts\n(.*?)```/s.exec(readme)?.[1] ?? '';
  const [, promised] = /console\.log\(.*\); \/\/ (.*)$/m.exec(code) ?? [];
  const imports = /^import [^;]*;$/gm;
  const home = await mkdtemp(join(tmpdir(), 'clicklake-readme-'));
  // Beside this file, so that its imports resolve as a user's do.
  const file = join(import.meta.dirname, `readme-example-${process.pid}.ts`);
  const body = code.replace(imports, '');
  const program = `${(code.match(imports) ?? []).join('\n')}\nexport async function run(home, console) {\n${body}\n}\n`;
  const printed: string[] = [];
  try {
    await writeFile(file, program);
    const { run } = (await import(pathToFileURL(file).href)) as {
      run: (home: string, console: object) => Promise<void>;
    };
    await run(home, { log: (...values: unknown[]) => printed.push(values.map(String).join(' ')) });
  } finally {
    await rm(file, { force: true });
    await rm(home, { recursive: true });
  }
  expect(printed).toEqual([promised]);
});
