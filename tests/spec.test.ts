import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { read, root } from './support/repository.ts';

interface Paragraph {
  readonly number: string;
  readonly text: string;
}

const paragraphs: readonly Paragraph[] = read('SPEC.md')
  .split(/^(?=\*\*S\d)/m)
  .slice(1)
  .map((text) => ({ number: /^\*\*(S[\d.]+)/.exec(text)?.[1] ?? '', text }));

/** What a paragraph says holds it: `file` “title”, “another title of the same file”. */
const references = paragraphs.flatMap(({ number, text }) => {
  const claim = /Held by:(.*?)(?=Not tested yet|\n\n|$)/s.exec(text)?.[1] ?? '';
  let file = '';
  return [...claim.matchAll(/`([^`\s]+\.ts)`|“([^”]+)”/g)].flatMap(([, path, title]) => {
    if (path !== undefined) file = path;
    return title === undefined ? [] : [{ number, file, title }];
  });
});

describe('SPEC.md', () => {
  it('has every paragraph that this foundation must keep', () => {
    const counts: Readonly<Record<string, number>> = { S1: 5, S2: 3, S3: 4, S4: 5, S5: 3, S6: 5, S7: 6 };
    const numbered = Object.entries(counts).flatMap(([section, count]) =>
      Array.from({ length: count }, (_, index) => `${section}.${index + 1}`),
    );
    expect(paragraphs.map(({ number }) => number)).toEqual([...numbered, 'S8', 'S9', 'S10']);
  });

  it.each(paragraphs.map(({ number, text }) => [number, text] as const))(
    '%s names its tests, or says that there are none',
    (number, text) => {
      const named = references.filter((reference) => reference.number === number);
      expect(named.length > 0 || text.includes('ot tested yet')).toBe(true);
    },
  );

  it.each(references.map(({ number, file, title }) => [number, title, file] as const))(
    '%s: “%s” is a test of %s',
    (_number, title, file) => {
      expect(existsSync(join(root, file))).toBe(true);
      const quoted = title.replaceAll("'", String.raw`\'`);
      const spellings = [`'${title}'`, `'${quoted}'`, `"${title}"`, `\`${title}\``];
      expect(spellings.some((spelling) => read(file).includes(spelling))).toBe(true);
    },
  );
});
