import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { read, root, trackedFiles, workspaces } from './support/repository.ts';

const files = trackedFiles().filter((path) => existsSync(join(root, path)));
const packages = workspaces();

interface Manifest {
  readonly private?: boolean;
  readonly exports?: Readonly<Record<string, { readonly source?: string }>>;
}

function manifestOf(path: string): Manifest {
  return JSON.parse(read(`${path}/package.json`)) as Manifest;
}

describe('every workspace', () => {
  it.each(packages)('%s has a README', (path) => {
    expect(existsSync(join(root, path, 'README.md'))).toBe(true);
  });

  it.each(packages)('%s has its row in ARCHITECTURE.md', (path) => {
    expect(read('ARCHITECTURE.md')).toMatch(new RegExp(`^\\| \`${path}\` +\\|`, 'm'));
  });

  it.each(packages.filter((path) => manifestOf(path).private !== true))(
    '%s exports what is there, as source for Node and tools',
    (path) => {
      const entries = Object.values(manifestOf(path).exports ?? {});
      expect(entries).not.toEqual([]);
      for (const { source } of entries)
        expect(existsSync(join(root, path, source ?? 'no source'))).toBe(true);
    },
  );
});

describe('layers', () => {
  const [, block = ''] = /const layers = \{(.*?)\n\};/s.exec(read('eslint.config.mjs')) ?? [];
  const layers = new Map(
    [...block.matchAll(/^ {2}'([\w/-]+)': \[(.*)\],$/gm)].map(([, path = '', list = '']) => [
      path,
      [...list.matchAll(/'([\w-]+)'/g)].map(([, name]) => name).join(', ') || '–',
    ]),
  );
  const putTogether = ['apps/cli', 'bench'];

  it.each(packages)('%s may import what lint and ARCHITECTURE.md say alike', (path) => {
    const row = new RegExp(`^\\| \`${path}\` .*\\| ([^|]*?) +\\|$`, 'm').exec(read('ARCHITECTURE.md'));
    expect(row?.[1]).toBe(putTogether.includes(path) ? 'everything' : layers.get(path));
  });
});

describe('files', () => {
  it('are one concept each: none of code has more than 400 lines', () => {
    const code = files.filter((path) => /\.(ts|mjs|js|py|css|html)$/.test(path));
    const long = code.filter((path) => read(path).split('\n').length > 401);
    expect(long).toEqual([]);
  });

  // Put together here, so that this file does not find itself.
  const forbidden = {
    'paths of one machine': new RegExp(
      ['/work', '/main|/work', '/shared|/ro', 'ot/|/ho', 'me/[a-z]'].join(''),
    ),
    'hosts of a package registry': new RegExp(['registry', '\\.npmjs|pypi', '\\.org|npm', 'mirror'].join('')),
  };
  it.each(Object.entries(forbidden))('hold no %s', (_, pattern) => {
    const binary = /\.(png|parquet|zst|gz)$/;
    const found = files.filter(
      (path) => !binary.test(path) && pattern.test(readFileSync(join(root, path), 'utf8')),
    );
    expect(found).toEqual([]);
  });

  it('lock their dependencies by checksum, and not to a host', () => {
    const lock = JSON.parse(read('package-lock.json')) as {
      packages: Record<string, { resolved?: string; integrity?: string; link?: boolean }>;
    };
    const installed = Object.entries(lock.packages).filter(
      ([path, { link }]) => path.includes('node_modules/') && link !== true,
    );
    expect(installed.filter(([, { integrity }]) => integrity === undefined).map(([path]) => path)).toEqual(
      [],
    );
    expect(installed.filter(([, { resolved }]) => resolved !== undefined).map(([path]) => path)).toEqual([]);
  });
});
