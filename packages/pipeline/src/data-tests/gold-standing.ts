import type { EngineSession } from '../engine/engine.ts';
import type { DataTest, ModelProject } from '../models/index.ts';
import { inputsOf } from '../refresh/plan-refresh.ts';
import { seenInputs } from '../refresh/refresh-transactions.ts';
import { silverSource } from '../refresh/silver-source.ts';
import type { TableStanding } from './test-report.ts';

/** By model name: the version of Silver that its rows stand for, null where no one version can be named. */
export type GoldStanding = ReadonlyMap<string, number | null>;

/**
 * Which version of Silver each Gold table stands for. They differ when a refresh ended between two models, or was asked
 * of some only. A version that changed nothing that the table shows is as good as the one that its `txn` names.
 *
 * @param shown the version of Silver that the session shows.
 */
export async function goldStanding(
  session: EngineSession,
  project: ModelProject,
  shown: number,
): Promise<GoldStanding> {
  const standing = new Map<string, number | null>();
  // Models come after what they are made from.
  for (const model of project.models.values()) {
    const inputs = inputsOf(project, model);
    if (model.materialized === 'view') {
      standing.set(
        model.name,
        oneOf(inputs.map((input) => (input === silverSource ? shown : standing.get(input)))),
      );
      continue;
    }
    const table = session.table('model', model.name);
    if (table === undefined) continue;
    const seen = seenInputs(table, inputs).versions;
    const versions: (number | null | undefined)[] = [];
    for (const input of inputs)
      versions.push(await standingOf(session, input, seen.get(input), standing, shown));
    standing.set(model.name, oneOf(versions));
  }
  return standing;
}

/** Of what a table has seen of one input. */
async function standingOf(
  session: EngineSession,
  input: string,
  seen: number | undefined,
  standing: GoldStanding,
  shown: number,
): Promise<number | null | undefined> {
  if (seen === undefined) return null;
  const isSilver = input === silverSource;
  const changes = await session.changedDates(isSilver ? 'source' : 'model', input, seen);
  const isSame = changes?.dates.length === 0;
  if (isSilver) return isSame ? shown : seen;
  return isSame ? standing.get(input) : null;
}

function oneOf(versions: readonly (number | null | undefined)[]): number | null {
  const [first = null] = versions;
  return versions.every((version) => version === first) ? first : null;
}

/** The tables, in the order of the project. */
export function tablesStanding(project: ModelProject, standing: GoldStanding): readonly TableStanding[] {
  return [...project.models.values()].flatMap(({ name, materialized }) => {
    const silverVersion = standing.get(name);
    return materialized === 'view' || silverVersion === undefined ? [] : [{ table: name, silverVersion }];
  });
}

/** Why what a test compares cannot be compared; undefined when it can. */
export function incomparable(test: DataTest, standing: GoldStanding): string | undefined {
  const compared = test.models.flatMap((name) => {
    const version = standing.get(name);
    return version === undefined ? [] : [[name, version] as const];
  });
  if (compared.length < 2 || new Set(compared.map(([, version]) => version)).size < 2) return undefined;
  const named = compared.map(
    ([name, version]) => `${name} for ${version === null ? 'an earlier one' : `version ${version}`}`,
  );
  return `What it compares stands for different versions of Silver, ${named.join(', ')}: run \`clicklake refresh\`, and test again.`;
}
