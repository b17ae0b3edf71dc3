import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import ts from 'typescript';
import { beforeAll, describe, expect, it } from 'vitest';
import { codeBlocks } from './support/markdown.ts';
import { read, root, workspaces } from './support/repository.ts';

/** What an example takes from its reader: names that it uses and does not make. */
const given = `
import type { DuckDBResult } from '@duckdb/node-api';
import type { LakeOwner } from '@clicklake/pipeline';
import type { QueryEngine } from '@clicklake/query';
import type { LocalParts } from '@clicklake/server';
declare global {
  const directory: string, home: string, root: string, seed: number, writeKey: string, token: string;
  const result: DuckDBResult, owner: LakeOwner, engine: QueryEngine;
  const logWriter: LocalParts['logWriter'], facts: LocalParts['process'];
}
`;
const givenPath = join(root, 'tests/readme-examples-given.ts');

const examples = workspaces()
  .map((workspace) => `${workspace}/README.md`)
  .flatMap((page) =>
    codeBlocks(read(page))
      .filter(({ language }) => language === 'ts')
      // Each is a module beside its page's tests, so that its imports are resolved as those of a user are.
      .map(({ text }, index) => ({
        page,
        number: index + 1,
        path: join(root, dirname(page), `test/readme-example-${index + 1}.ts`),
        text: `${text}\nexport {};\n`,
      })),
  );

describe('the TypeScript examples of the READMEs', () => {
  let program: ts.Program;
  beforeAll(() => {
    program = programOf(
      new Map([[givenPath, given], ...examples.map(({ path, text }) => [path, text] as const)]),
    );
  });

  it('are there', () => {
    expect(examples.length).toBeGreaterThanOrEqual(10);
    expect(examples.filter(({ path }) => existsSync(path))).toEqual([]);
  });

  it.each(examples)('$page, example $number: fits the types of what it uses', ({ path }) => {
    const file = program.getSourceFile(path);
    const problems = [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)];
    expect(problems.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))).toEqual([]);
  });
});

/** A program of texts that are in no file, with the compiler's settings of the repository but for those of style. */
function programOf(texts: ReadonlyMap<string, string>): ts.Program {
  const config = ts.readConfigFile(join(root, 'tsconfig.json'), (path) => ts.sys.readFile(path));
  const { options } = ts.parseJsonConfigFileContent(
    { ...config.config, include: [], files: [] },
    ts.sys,
    root,
  );
  const host = ts.createCompilerHost(options);
  return ts.createProgram(
    [...texts.keys()],
    { ...options, noUnusedLocals: false, noUncheckedIndexedAccess: false },
    {
      ...host,
      fileExists: (path) => texts.has(path) || host.fileExists(path),
      readFile: (path) => texts.get(path) ?? host.readFile(path),
      getSourceFile(path, version, ...rest) {
        const text = texts.get(path);
        return text === undefined
          ? host.getSourceFile(path, version, ...rest)
          : ts.createSourceFile(path, text, version);
      },
    },
  );
}
