import { ModelError } from './model-error.ts';
import type { DataTest } from './model-project.ts';

/** One entry of `data_tests`: a bare name, or a name with arguments. */
export type TestEntry = string | Readonly<Record<string, unknown>>;

/**
 * A generic test of a column as a template, with dbt's meaning: not_null, unique, accepted_values, relationships.
 *
 * @throws ModelError `model-project-invalid` for another test.
 */
export function genericTest(model: string, column: string, entry: TestEntry, path: string): DataTest {
  const [kind, given] = typeof entry === 'string' ? [entry, {}] : (Object.entries(entry)[0] ?? ['', {}]);
  const options = (given ?? {}) as Readonly<Record<string, unknown>>;
  // dbt 1.10 and later want them below `arguments`.
  const values = (options.arguments ?? options) as Readonly<Record<string, unknown>>;
  const relation = `{{ ref('${model}') }}`;
  const text = queryOf(kind, relation, column, values);
  if (text === undefined)
    throw new ModelError({
      code: 'model-project-invalid',
      message: `${path}: column ${column} of ${model} has a test "${kind}", which the runner does not know.`,
      hint: 'Use not_null, unique, accepted_values or relationships, or write a singular test.',
      details: { path },
    });
  return { name: `${kind}_${model}_${column}`, model, template: { path, text } };
}

function queryOf(
  kind: string,
  relation: string,
  column: string,
  values: Readonly<Record<string, unknown>>,
): string | undefined {
  switch (kind) {
    case 'not_null':
      return `select * from ${relation} where ${column} is null`;
    case 'unique':
      return `select ${column}, count(*) as times from ${relation} where ${column} is not null group by ${column} having count(*) > 1`;
    case 'accepted_values': {
      const accepted = (values.values as readonly unknown[]).map(sqlText).join(', ');
      return `select ${column}, count(*) as times from ${relation} where ${column} not in (${accepted}) group by ${column}`;
    }
    case 'relationships':
      return `select child.${column} from ${relation} as child where child.${column} is not null and not exists (select 1 from {{ ${String(values.to)} }} as parent where parent.${String(values.field)} = child.${column})`;
    default:
      return undefined;
  }
}

/** Values come from the project's own files; templates do not change them. */
function sqlText(value: unknown): string {
  return typeof value === 'number' ? String(value) : `'${String(value).replaceAll("'", "''")}'`;
}
