import type { EngineSession } from '../engine/engine.ts';
import type { DataTest, ModelProject } from '../models/index.ts';
import { inputsOf } from '../refresh/plan-refresh.ts';
import { seenInputs, type SeenInputs } from '../refresh/refresh-transactions.ts';
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
    const seen = seenInputs(table, inputs);
    const versions: (number | null | undefined)[] = [];
    for (const input of inputs)
      versions.push(
        input === silverSource
          ? await silverSeen(session, seen, shown)
          : await standingOfInput(session, input, seen, standing),
      );
    standing.set(model.name, oneOf(versions));
  }
  return standing;
}

/** Of a table that is made from Silver itself. */
async function silverSeen(
  session: EngineSession,
  { versions }: SeenInputs,
  shown: number,
): Promise<number | null> {
  const seen = versions.get(silverSource);
  if (seen === undefined) return null;
  const changes = await session.changedDates('source', silverSource, seen);
  return changes?.dates.length === 0 ? shown : seen;
}

/**
 * Of a table that is made from another one. That one may have changed since and stand for the same events: it was made
 * anew, or somebody has meddled with it, which is what a test is to find.
 */
async function standingOfInput(
  session: EngineSession,
  input: string,
  { versions, offsets }: SeenInputs,
  standing: GoldStanding,
): Promise<number | null | undefined> {
  const seen = versions.get(input);
  const table = session.table('model', input);
  if (seen === undefined || table === undefined) return null;
  const changes = await session.changedDates('model', input, seen);
  const now = seenInputs(table, []).offsets;
  const isSame =
    changes?.dates.length === 0 || offsets.every((offset, partition) => offset === now[partition]);
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
