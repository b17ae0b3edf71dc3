import { createTypeScriptImportResolver } from 'eslint-import-resolver-typescript';
import importX from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';

/**
 * What each package may import (the house in ARCHITECTURE.md, read upwards): anything that is not
 * listed is an error, so the data flow can never run in a circle.
 */
const layers = {
  errors: [],
  'durable-files': ['errors'],
  contract: ['errors'],
  'delta-lake': ['errors', 'durable-files'],
  'event-log': ['errors', 'durable-files'],
  collector: ['errors', 'durable-files', 'contract', 'event-log'],
  simulator: ['errors', 'contract'],
  query: ['errors'],
  pipeline: ['errors', 'durable-files', 'contract', 'event-log', 'delta-lake', 'query'],
};

const layerRules = Object.entries(layers).map(([name, allowed]) => ({
  files: [`packages/${name}/src/**/*.ts`],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: [
          {
            regex: `^(clicklake|@clicklake/(?!(${['-', ...allowed].join('|')})$))`,
            message: `packages/${name} may import only: ${allowed.join(', ') || 'nothing of ours'}.`,
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
