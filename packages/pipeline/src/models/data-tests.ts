import { ModelError } from './model-error.ts';
import type { DataTest } from './model-project.ts';
import { testConfig, type TestConfig } from './test-config.ts';

/** One entry of `data_tests`: a bare name, or a name with arguments. */
export type TestEntry = string | Readonly<Record<string, unknown>>;

type Tree = Readonly<Record<string, unknown>>;

export interface TestedColumn {
  readonly model: string;
  readonly column: string;
  /** The yml file. */
  readonly path: string;
}

/**
 * A generic test of a column as a template: not_null, unique, accepted_values, relationships. Name and text are those
 * of dbt when it stores failing rows (dbt-core 1.12, `macros/generic_test_sql`).
 *
 * @throws ModelError `model-project-invalid` for another test, or config that the runner does not know.
 */
export function genericTest(tested: TestedColumn, entry: TestEntry, inherited: TestConfig): DataTest {
  const { model, column, path } = tested;
  const [kind, given] = typeof entry === 'string' ? [entry, {}] : (Object.entries(entry)[0] ?? ['', {}]);
  const { name: givenName, config: givenConfig, arguments: givenArguments, ...rest } = treeOf(given);
  // dbt 1.10 and later want the arguments below `arguments`.
  const values = givenArguments === undefined ? rest : treeOf(givenArguments);
  const name = typeof givenName === 'string' ? givenName : testName(kind, tested, values);
  const config = testConfig(treeOf(givenConfig), inherited, { path, test: `the test ${name}` });
  const relation = `{{ ref('${model}') }}`;
  const filtered =
    config.where === null ? relation : `(select * from ${relation} where ${config.where}) dbt_subquery`;
  const text = queryOf(kind, filtered, column, values);
  if (text === undefined)
    throw new ModelError({
      code: 'model-project-invalid',
      message: `${path}: column ${column} of ${model} has a test "${kind}", which the runner does not know.`,
      hint: 'Use not_null, unique, accepted_values or relationships, or write a singular test.',
      details: { path },
    });
  return { name, kind, model, column, models: [model], config, description: '', template: { path, text } };
}

/** dbt's: the kind, the model, then every argument in the order of their names, the column among them. */
function testName(kind: string, { model, column }: TestedColumn, values: Tree): string {
  const parts = Object.entries<unknown>({ ...values, column_name: column })
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, value]) => (Array.isArray(value) ? value.map(String) : [String(value)]))
    .map((part) => part.replaceAll(/[^0-9a-zA-Z_]+/g, '_'));
  return `${kind}_${model}_${parts.join('__')}`;
}

function queryOf(kind: string, relation: string, column: string, values: Tree): string | undefined {
  switch (kind) {
    case 'not_null':
      return `select *\nfrom ${relation}\nwhere ${column} is null`;
    case 'unique':
      return `select
    ${column} as unique_field,
    count(*) as n_records

from ${relation}
where ${column} is not null
group by ${column}
having count(*) > 1`;
    case 'accepted_values': {
      const quoted = values.quote !== false;
      const accepted = (Array.isArray(values.values) ? values.values : []).map((value: unknown) =>
        quoted ? `'${String(value)}'` : String(value),
      );
      return `with all_values as (

    select
        ${column} as value_field,
        count(*) as n_records

    from ${relation}
    group by ${column}

)

select *
from all_values
where value_field not in (
    ${accepted.join(',')}
)`;
    }
    case 'relationships':
      return `with child as (
    select ${column} as from_field
    from ${relation}
    where ${column} is not null
),

parent as (
    select ${String(values.field)} as to_field
    from {{ ${String(values.to)} }}
)

select
    from_field

from child
left join parent
    on child.from_field = parent.to_field

where parent.to_field is null`;
    default:
      return undefined;
  }
}

function treeOf(value: unknown): Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Tree) : {};
}
