import { eventFields, type FieldType } from '@clicklake/contract';
import { stringify } from 'yaml';

/** The types as the models project writes them. */
const types: Readonly<Record<FieldType, string>> = {
  string: 'varchar',
  long: 'bigint',
  integer: 'integer',
  boolean: 'boolean',
  timestamp: 'timestamp with time zone',
  date: 'date',
  point: 'struct(x bigint, y bigint)',
};

/** The text of models/staging/sources.yml: Silver as the contract has it. */
export function sourcesFile(): string {
  const text = stringify(
    {
      version: 2,
      sources: [
        {
          name: 'clickstream',
          description: 'What ingest commits.',
          tables: [
            {
              name: 'silver',
              description: 'Valid events, each once, partitioned by UTC date.',
              config: {
                meta: {
                  external_location:
                    "delta_scan('{{ env_var('CLICKLAKE_SILVER', '.clicklake/lake/user-behavior-analytics-silver/clickstream/delta') }}')",
                },
              },
              columns: eventFields.map(({ name, type, unit, description }) => ({
                name,
                data_type: types[type],
                description: unit === undefined ? description : `${description} In ${unit}.`,
              })),
            },
          ],
        },
      ],
    },
    { lineWidth: 0 },
  );
  return `# Generated from packages/contract; a test keeps it up to date.\n${text}`;
}
