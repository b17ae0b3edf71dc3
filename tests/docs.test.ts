import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { missingLines } from './support/documented-output.ts';
import { codeBlocks, runnableSteps } from './support/markdown.ts';
import { openReaderSession, type ReaderSession } from './support/reader-session.ts';
import { read, root, trackedFiles } from './support/repository.ts';

const documents = ['README.md', ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`)].filter(
  (path) => path.endsWith('.md'),
);

describe.each(documents.filter((path) => runnableSteps(read(path)).length > 0))('%s', (path) => {
  let session: ReaderSession;
  beforeAll(async () => {
    session = await openReaderSession();
  });
  afterAll(() => session.close());

  const steps = runnableSteps(read(path));
  it.each(steps.map((step) => [step.line, step.commands.split('\n')[0] ?? '', step] as const))(
    'line %i: %s',
    (_line, _command, step) => session.follow(step),
  );
});

describe('what a document promises', () => {
  it('is compared without numbers, times and widths, in order, and “…” stands for anything', () => {
    const documented =
      ' n │ at\n───┼───\n 1 │ 2026-01-31T12:00:00.000Z\n…\n{"a":1,…\nbalanced, 5KB in 3 ms\n';
    const actual =
      ' n    │ at\n──────┼──\n 22 │ 2027-02-01T00:00:00.123Z\nx\n{"a":7,"b":8}\nbalanced, 1.5MB in 2 s\n';
    expect(missingLines(documented, actual)).toEqual([]);
    expect(missingLines('balanced', 'not balanced')).toEqual(['balanced']);
    expect(missingLines('a\nb', 'b\na')).toEqual(['b']);
  });
});

describe('CONTRIBUTING.md', () => {
  const scripts = (JSON.parse(read('package.json')) as { scripts: Record<string, string> }).scripts;
  const commands = codeBlocks(read('CONTRIBUTING.md'))
    .filter(({ language }) => language === 'sh')
    .flatMap(({ text }) => text.trim().split('\n'))
    .map((line) => line.replace(/\s+#.*/, ''));

  it('has commands', () => expect(commands).not.toEqual([]));

  it.each(commands)('%s is there to be run', (command) => {
    const script = /^npm (?:run )?(\S+)/.exec(command)?.[1];
    const file = /^bash (\S+)/.exec(command)?.[1];
    expect(
      script === undefined ? file !== undefined && existsSync(join(root, file)) : script in scripts,
    ).toBe(true);
  });
});

describe('links between documents', () => {
  const pages = trackedFiles().filter((path) => path.endsWith('.md'));
  const links = pages.flatMap((page) =>
    [...read(page).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)/g)].map(
      ([, target = '', anchor]) => ({
        page,
        target: target === '' ? page : join(page, '..', target),
        anchor,
      }),
    ),
  );

  it('point to something', () => {
    const dead = links.filter(({ target, anchor }) => {
      if (!existsSync(join(root, target))) return true;
      return anchor !== undefined && !anchors(read(target)).has(anchor);
    });
    expect(dead).toEqual([]);
  });
});

/** As GitHub makes them of headings. */
function anchors(markdown: string): ReadonlySet<string> {
  return new Set(
    [...markdown.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}
