import { createTypeScriptImportResolver } from 'eslint-import-resolver-typescript';
import importX from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';

/**
 * What each part may import (the house in ARCHITECTURE.md, read upwards; tests/house.test.ts holds the two to each
 * other): anything that is not listed is an error, so the data flow can never run in a circle. `apps/cli` and `bench`
 * put the parts together and may import all; nothing may import them.
 */
const layers = {
  'packages/errors': [],
  'packages/durable-files': ['errors'],
  'packages/contract': ['errors'],
  'packages/delta-lake': ['errors', 'durable-files'],
  'packages/event-log': ['errors', 'durable-files'],
  'packages/collector': ['errors', 'durable-files', 'contract', 'event-log'],
  'packages/simulator': ['errors', 'contract'],
  'packages/query': ['errors'],
  'packages/pipeline': ['errors', 'durable-files', 'contract', 'event-log', 'delta-lake', 'query'],
  'apps/server': ['errors', 'event-log', 'pipeline', 'query'],
};

const layerRules = Object.entries(layers).map(([path, allowed]) => ({
  files: [`${path}/src/**/*.ts`],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: [
          {
            regex: `^(clicklake|@clicklake/(?!(${['-', ...allowed].join('|')})$))`,
            message: `${path} may import only: ${allowed.join(', ') || 'nothing of ours'}.`,
          },
          {
            regex: String.raw`^(\.\./)+(packages|apps|bench|[\w-]+/src)/`,
            message: 'Import another part by its name: what it does not export is its own.',
          },
        ],
      },
    ],
  },
}));

export default tseslint.config(
  { ignores: ['**/node_modules/**', '**/dist/**', '.clicklake/**'] },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    plugins: { 'import-x': importX },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    settings: {
      'import-x/resolver-next': [
        createTypeScriptImportResolver({
          project: './tsconfig.json',
          conditionNames: ['source', 'import', 'node', 'default'],
        }),
      ],
      'import-x/parsers': { '@typescript-eslint/parser': ['.ts'] },
    },
    rules: {
      'import-x/no-cycle': 'error',
      'import-x/no-extraneous-dependencies': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/consistent-type-definitions': ['error', 'interface'],
      '@typescript-eslint/no-confusing-void-expression': 'off',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      'max-lines': ['error', { max: 400 }],
      'no-console': 'error',
    },
  },
  ...layerRules,
  {
    files: ['**/test/**/*.ts', 'tests/**/*.ts', '*.config.ts', 'bench/**/*.ts'],
    rules: { 'import-x/no-extraneous-dependencies': 'off', 'no-console': 'off' },
  },
);
