import { deadLetterFields, duplicateFields, eventFields, type TableField } from '@clicklake/contract';
import {
  testFailures,
  type DataTest,
  type Model,
  type ModelColumn,
  type ModelProject,
} from '@clicklake/pipeline';

/** The text of docs/data-model.md: every table of a lake, from the contract and the models. */
export function dataModelPage(project: ModelProject): string {
  const models = [...project.models.values()];
  const views = models.filter(({ materialized }) => materialized === 'view');
  const marts = models.filter(({ materialized }) => materialized === 'incremental');
  return `# The data model

Generated from the contract and the models; a test keeps it up to date. \`clicklake sql\` knows each table by its bare
name. Times are instants in UTC with the resolution of a millisecond, stored in microseconds; dates are UTC dates. What the
words mean exactly is in [SPEC.md](../SPEC.md).

## How one comes from the other

${lineage(project)}

Ingest writes \`silver\`, \`dead_letters\` and \`duplicates\`. \`clicklake refresh\` makes the Gold tables of
[models/](../models/README.md) from Silver, and \`clicklake test\` writes \`test_failures\`.

## Silver and what is beside it

### silver

A valid event, each once. Partitioned by \`event_date\`; the fields and their bounds as a sender sees them are in
[event.md](../packages/contract/docs/event.md).

${fieldTable(eventFields.map((field) => ({ ...field, unit: unitOf(field) })))}

### dead_letters

A rejected record with the bytes that came, by (topic, partition, offset). Partitioned by \`event_date\`.

${fieldTable(deadLetterFields)}

### duplicates

A record that was not stored because Silver has its event already (S3), with the place of both. Partitioned by
\`event_date\`.

${fieldTable(duplicateFields)}

## Between Silver and Gold

${views.map((model) => viewSection(project, model)).join('\n\n')}

## Gold

A refresh replaces dates of a table (of sessions and visitors only the rows that differ) in one commit, which also says
which version of Silver the rows stand for (S7.3). Rates and means are one division of two exact integers (S2.2).

${marts.map((model) => martSection(project, model)).join('\n\n')}

## Tests

\`clicklake test\` and \`dbt test\` run the same ones. Beside those of columns above:

${markdown(
  ['test', 'looks at', 'what holds'],
  project.tests
    .filter(({ kind }) => kind === 'singular')
    .map(({ name, models: about, description }) => [code(name), about.map(code).join(', '), description]),
)}

### test_failures

${testFailures.description} The first 100 of each test; a test that passes has none.

${modelTable(testFailures.columns, [])}
`;
}

function lineage({ models }: ModelProject): string {
  const node = (name: string): string => name.replaceAll(/\W/g, '_').replace('clickstream_', '');
  const edges = [
    'log[(log)] --> silver',
    'log --> dead_letters',
    'log --> duplicates',
    ...[...models.values()].flatMap(({ name, dependsOn }) =>
      dependsOn.map((upstream) => `${node(upstream.name)} --> ${name}`),
    ),
  ];
  return ['```mermaid', 'graph LR', ...edges.map((edge) => `  ${edge}`), '```'].join('\n');
}

function viewSection(project: ModelProject, model: Model): string {
  return `### ${model.name}

${model.description} A view, which no other program sees; made from ${inputs(model)}.

${modelTable(model.columns, testsOf(project, model))}`;
}

function martSection(project: ModelProject, model: Model): string {
  const { name, description, key, dateColumn, widenedBy } = model;
  const scope =
    widenedBy === null
      ? 'exactly the dates on which rows of these changed'
      : 'the dates on which rows changed, widened to the ends of the stretches of activity that these belong to';
  return `### ${name}

${description} One row for each ${key.map(code).join(', ')}. Partitioned by ${code(dateColumn ?? '')}. Made from
${inputs(model)}; a refresh replaces ${scope}.

${modelTable(model.columns, testsOf(project, model))}`;
}

function inputs({ dependsOn }: Model): string {
  return dependsOn.map(({ name }) => code(name.replace('clickstream.', ''))).join(', ');
}

function testsOf({ tests }: ModelProject, model: Model): readonly DataTest[] {
  return tests.filter((test) => test.model === model.name);
}

function modelTable(columns: readonly ModelColumn[], tests: readonly DataTest[]): string {
  return markdown(
    ['column', 'type', 'meaning', ...(tests.length === 0 ? [] : ['tests'])],
    columns.map(({ name, type, description }) => [
      code(name),
      type,
      description,
      ...(tests.length === 0
        ? []
        : [
            tests
              .filter(({ column }) => column === name)
              .map(({ kind }) => kind)
              .join(', '),
          ]),
    ]),
  );
}

function fieldTable(fields: readonly (TableField & { readonly unit?: string })[]): string {
  return markdown(
    ['column', 'type', 'unit', 'meaning'],
    fields.map(({ name, type, unit = '', description }) => [code(name), type, unit, description]),
  );
}

function unitOf({ unit }: { readonly unit?: string }): string {
  return unit ?? '';
}

function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function code(name: string): string {
  return `\`${name}\``;
}
