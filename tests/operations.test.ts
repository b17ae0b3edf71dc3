import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { clicklake } from './support/command.ts';
import { read, trackedFiles } from './support/repository.ts';

const page = read('docs/operations.md');

/** The cells of each row of the table below a heading, without back-ticks. */
function tableUnder(heading: string): readonly (readonly string[])[] {
  const section = page.split(/^## /m).find((text) => text.startsWith(heading)) ?? '';
  const rows = section.split('\n').filter((line) => line.startsWith('|'));
  return rows.slice(2).map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.replaceAll('`', '').trim()),
  );
}

describe('docs/operations.md', () => {
  it('lists every setting with its default, variable and meaning, as `clicklake config` does', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'clicklake-config-'));
    try {
      const { stdout } = await clicklake(directory, 'config');
      const shown = stdout.replaceAll('`', '').trim().split('\n').slice(1);
      const rows = shown
        .map((line) => line.split(/ {2,}/))
        .map(([key, value, , ...rest]) => [key, value, ...rest]);
      expect(tableUnder('Configuration').slice(1)).toEqual(rows.slice(1));
      expect(tableUnder('Configuration')[0]?.[0]).toBe('home');
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  const codes = tableUnder('Errors').flatMap(([cell = '']) => cell.match(/[a-z]+(-[a-z]+)+/g) ?? []);
  const sources = trackedFiles().filter((path) => /^(packages|apps)\/[^/]+\/src\/.*\.ts$/.test(path));

  it('names only errors that the code can raise', () => {
    const code = sources.map(read).join('\n');
    expect(codes.filter((name) => !code.includes(`'${name}'`))).toEqual([]);
  });

  it.each(['packages/pipeline/src/pipeline-error.ts', 'packages/event-log/src/event-log-error.ts'])(
    'names every error of %s',
    (path) => {
      const raised = [...read(path).matchAll(/^ {2}\| '([a-z-]+)'/gm)].map(([, name]) => name);
      expect(raised.length).toBeGreaterThan(5);
      expect(codes).toEqual(expect.arrayContaining(raised));
    },
  );
});
