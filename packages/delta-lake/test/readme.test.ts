import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { withDirectory } from './fixtures.ts';

const readme = await readFile(join(import.meta.dirname, '../README.md'), 'utf8');
const examples = [...readme.matchAll(/```ts\n(.*?)```/gs)].map(([, code = '']) => code);

/** What the comments after `console.log` promise. */
function promisedOutput(example: string): string[] {
  return [...example.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].map(([, output = '']) => output);
}

test('the README has examples', () => {
  expect(examples.length).toBeGreaterThanOrEqual(3);
});

test.each(examples.map((code, index) => [index + 1, code] as const))(
  'README example %i runs and prints what it says',
  (index, code) =>
    withDirectory(async (directory) => {
      // Beside this file, so that its imports resolve as a user's do.
      const file = join(import.meta.dirname, `readme-example-${index}-${process.pid}.ts`);
      const printed: string[] = [];
      const imports = [...code.matchAll(/^import [^;]*;$/gm)].map(([line]) => line).join('\n');
      const body = code.replace(/^import [^;]*;$/gm, '');
      await writeFile(file, `${imports}\nexport async function run(directory, console) {\n${body}\n}\n`);
      try {
        const { run } = (await import(pathToFileURL(file).href)) as {
          run: (directory: string, console: object) => Promise<void>;
        };
        await run(directory, {
          log: (...values: unknown[]) =>
            printed.push(
              values.map((value) => (typeof value === 'string' ? value : inspect(value))).join(' '),
            ),
        });
      } finally {
        await rm(file);
      }
      expect(printed).toEqual(promisedOutput(code));
    }),
);
