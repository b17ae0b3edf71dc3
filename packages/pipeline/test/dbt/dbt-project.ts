import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CompileTarget, RunVariables } from '@clicklake/pipeline';

/** A Python that has dbt-core, dbt-duckdb and duckdb-extensions (.ci/dbt-requirements.txt). */
const python = process.env.DBT_PYTHON ?? 'python3';
const driver = join(import.meta.dirname, 'run_commands.py');
const models = join(import.meta.dirname, '../../../../models');

export interface DbtResult {
  readonly name: string;
  readonly kind: string;
  /** `success`, `pass`, `warn`, `fail`, `error`, `skipped`. */
  readonly status: string;
  readonly failures: number | null;
  readonly message: string | null;
  readonly compiled: string | null;
}

export interface DbtAnswer {
  readonly success: boolean;
  readonly results: readonly DbtResult[];
}

export type DbtCommand = readonly [command: string, ...flags: string[]];

/** A copy of the repository's dbt project, and real dbt, as its README says to run it. */
export interface DbtProject {
  readonly directory: string;
  /** The DuckDB file that dbt builds in. */
  readonly database: string;
  /** How dbt writes relations here. */
  readonly target: CompileTarget;
  run(silver: string, ...commands: readonly DbtCommand[]): Promise<readonly DbtAnswer[]>;
  remove(): Promise<void>;
}

export async function createDbtProject(): Promise<DbtProject> {
  const root = await mkdtemp(join(tmpdir(), 'clicklake-dbt-'));
  const directory = join(root, 'models');
  const database = join(root, 'gold.duckdb');
  const extensions = join(root, 'extensions');
  await cp(models, directory, { recursive: true });
  let silverDirectory = '';
  let runs = 0;
  return {
    directory,
    database,
    target: {
      dialect: 'duckdb',
      relation: (kind, name) =>
        kind === 'source' ? `delta_scan('${silverDirectory}')` : `"gold"."gold"."${name}"`,
    },
    async run(silver, ...commands) {
      silverDirectory = silver;
      const results = join(root, `results-${(runs += 1)}.json`);
      const child = spawn(python, [driver, extensions, results], {
        cwd: directory,
        env: {
          ...process.env,
          CLICKLAKE_SILVER: silver,
          CLICKLAKE_DBT_DATABASE: database,
          CLICKLAKE_DBT_EXTENSIONS: extensions,
          DBT_PROFILES_DIR: directory,
          DBT_USE_COLORS: 'false',
          // Another zone than UTC: what a model says must not hang on the machine's.
          TZ: 'America/New_York',
        },
        stdio: ['pipe', 'pipe', 'pipe'],
      });
      let output = '';
      for (const stream of [child.stdout, child.stderr])
        stream.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
      child.stdin.end(JSON.stringify(commands));
      const [code] = (await once(child, 'close')) as [number | null];
      if (code !== 0) throw new Error(`The driver ended with ${String(code)}:\n${output}`);
      const answers = JSON.parse(await readFile(results, 'utf8')) as (DbtAnswer & {
        readonly exception: string | null;
      })[];
      const broken = answers.find(({ exception }) => exception !== null);
      if (broken !== undefined) throw new Error(`dbt: ${String(broken.exception)}\n${output}`);
      return answers;
    },
    remove: () => rm(root, { recursive: true, force: true }),
  };
}

/** `--vars` as dbt takes it. */
export function varsFlags(vars: RunVariables): readonly string[] {
  return ['--vars', JSON.stringify(vars)];
}
