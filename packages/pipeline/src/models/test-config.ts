import { ModelError } from './model-error.ts';

/** dbt's config of a data test, as far as the runner goes by it. */
export interface TestConfig {
  /** `warn`: a failure is told and does not count as one. */
  readonly severity: 'error' | 'warn';
  /** SQL comparisons with the number of failing rows: `!= 0`, `> 10`, `between 1 and 9`. */
  readonly warnIf: string;
  readonly errorIf: string;
  /** Rows of the model that the test looks at; null: all. Generic tests only. */
  readonly where: string | null;
}

type Tree = Readonly<Record<string, unknown>>;

export const defaultTestConfig: TestConfig = {
  severity: 'error',
  warnIf: '!= 0',
  errorIf: '!= 0',
  where: null,
};

/** Config that changes nothing here: failing rows are always stored, and nothing else is told of a test. */
const ignored: ReadonlySet<string> = new Set(['store_failures', 'store_failures_as', 'tags', 'meta']);

/**
 * The config that a test adds to what holds for its project.
 *
 * @throws ModelError `model-project-invalid` for what the runner does not know: it would give another verdict than dbt.
 */
export function testConfig(given: Tree, inherited: TestConfig, place: TestPlace): TestConfig {
  const config = { ...inherited };
  for (const [key, value] of Object.entries(given)) {
    const text = String(value);
    switch (key.replace(/^\+/, '')) {
      case 'severity': {
        const severity = text.toLowerCase();
        if (severity !== 'error' && severity !== 'warn') throw unknownConfig(place, `severity: ${text}`);
        config.severity = severity;
        break;
      }
      case 'warn_if':
        config.warnIf = text;
        break;
      case 'error_if':
        config.errorIf = text;
        break;
      case 'where':
        config.where = text;
        break;
      default:
        if (!ignored.has(key.replace(/^\+/, ''))) throw unknownConfig(place, key);
    }
  }
  return config;
}

/** Where a config stands, for the message. */
export interface TestPlace {
  readonly path: string;
  readonly test: string;
}

function unknownConfig({ path, test }: TestPlace, what: string): ModelError {
  return new ModelError({
    code: 'model-project-invalid',
    message: `${path}: ${test} has the config "${what}", which the runner does not know.`,
    hint: 'Use severity (error, warn), warn_if, error_if or where; or write the condition into a singular test.',
    details: { path },
  });
}
