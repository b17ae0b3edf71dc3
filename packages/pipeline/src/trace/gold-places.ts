import {
  duckdbTypeOf,
  pruneFiles,
  quoteIdentifier,
  type DeltaTable,
  type Predicate,
  type Snapshot,
  type StructType,
} from '@clicklake/delta-lake';
import type { JsonValue } from '@clicklake/query';
import type { DuckDBValue } from '@duckdb/node-api';
import type { Connections } from '../lake/connections.ts';
import { compileModel, type Model, type ModelProject } from '../models/index.ts';
import { inputsOf } from '../refresh/plan-refresh.ts';
import { seenInputs } from '../refresh/refresh-transactions.ts';
import { silverSource } from '../refresh/silver-source.ts';
import type { GoldPlace, RecordPlace } from './event-trace.ts';
import { filesSql, selectRows, type TableRow } from './table-rows.ts';
import { together } from './together.ts';

export interface GoldQuestion {
  readonly connections: Connections;
  readonly project: ModelProject;
  readonly gold: ReadonlyMap<string, DeltaTable>;
  /** The event's row of Silver, whose columns the schema describes. */
  readonly silver: TableRow;
  readonly schema: StructType;
  readonly place: RecordPlace;
}

/** What each Gold table made of one event of Silver, by what the project says of it (`meta.trace` of the models). */
export async function goldPlaces(question: GoldQuestion): Promise<readonly GoldPlace[]> {
  const { project, gold } = question;
  const events = new Map<string, Promise<TableRow | undefined>>();
  const eventIn = (view: string): Promise<TableRow | undefined> => {
    const asked = events.get(view) ?? eventOf(question, view);
    events.set(view, asked);
    return asked;
  };
  return together(
    [...project.models.values()].flatMap((model) =>
      model.trace === null ? [] : [placeIn(model, model.trace.events)],
    ),
  );

  async function placeIn(model: Model, view: string): Promise<GoldPlace> {
    const table = gold.get(model.name);
    if (table === undefined)
      return {
        ...nothing(model),
        state: 'not_refreshed',
        reason: 'There is no such table before the first refresh.',
      };
    return goldPlace(question, model, table, await table.snapshot(), await eventIn(view));
  }
}

/** The event as a view of the project shows it to the models; undefined: the view leaves it out. */
async function eventOf(
  { connections, project, silver, schema }: GoldQuestion,
  view: string,
): Promise<TableRow | undefined> {
  const columns = schema.fields.map(
    ({ name, type }, index) => `CAST($${index + 1} AS ${duckdbTypeOf(type)}) AS ${quoteIdentifier(name)}`,
  );
  const [row] = await selectRows(
    connections,
    `WITH ${oneEvent} AS (SELECT ${columns.join(', ')}) SELECT * FROM (${viewSql(project, view)})`,
    schema.fields.map(({ name }) => silver.values.get(name) ?? null),
  );
  return row;
}

const oneEvent = '"the one event"';
const compiledViews = new WeakMap<ModelProject, Map<string, string>>();

/** The SELECT of a view over `oneEvent`; rendering it takes longer than asking it. */
function viewSql(project: ModelProject, view: string): string {
  const compiled = compiledViews.get(project) ?? new Map<string, string>();
  compiledViews.set(project, compiled);
  const known = compiled.get(view);
  if (known !== undefined) return known;
  const sql = compileModel(
    project,
    view,
    { dialect: 'duckdb', relation: (kind, name) => (kind === 'source' ? oneEvent : quoteIdentifier(name)) },
    { incremental: false, vars: {} },
  );
  compiled.set(view, sql);
  return sql;
}

async function goldPlace(
  { connections, project, gold, place }: GoldQuestion,
  model: Model,
  table: DeltaTable,
  snapshot: Snapshot,
  event: TableRow | undefined,
): Promise<GoldPlace> {
  const { version, timestamp, transactions } = snapshot;
  const seen = seenInputs({ version, transactions, rowsByDate: new Map() }, []);
  const known = {
    ...nothing(model),
    version,
    committedAt: new Date(timestamp).toISOString(),
    silverVersion: await silverVersionOf(gold, project, model, snapshot),
  };
  const { events: view, row: conditions } = model.trace ?? { events: '', row: [] };
  if (event === undefined) return { ...known, state: 'left_out', reason: whyLeftOut(project, view) };
  const without = conditions.find(({ of }) => (event.values.get(of) ?? null) === null);
  if (without !== undefined)
    return { ...known, state: 'left_out', reason: `It has no ${without.of}, by which rows are told apart.` };
  const key = Object.fromEntries(
    conditions.flatMap(({ column, op, of }) => (op === '=' ? [[column, jsonOf(event, of)] as const] : [])),
  );
  if ((seen.offsets[place.partition] ?? 0n) <= BigInt(place.offset))
    return { ...known, key, state: 'not_refreshed', reason: null };

  const values: DuckDBValue[] = conditions.map(({ of }) => event.values.get(of) ?? null);
  const files = pruneFiles(
    snapshot,
    conditions.flatMap(({ column, op, of }): Predicate[] => {
      const value = jsonOf(event, of);
      return typeof value === 'string' || typeof value === 'number' ? [{ column, op, value }] : [];
    }),
  );
  const where = conditions.map(({ column, op }, index) => `${quoteIdentifier(column)} ${op} $${index + 1}`);
  const [row] = await selectRows(
    connections,
    `SELECT * FROM ${filesSql(table, snapshot, files)} WHERE ${where.join(' AND ')} LIMIT 1`,
    values,
  );
  if (row === undefined)
    return { ...known, key, state: 'missing', reason: 'The table has seen the event, and has no such row.' };
  return {
    ...known,
    key: Object.fromEntries(conditions.map(({ column }) => [column, row.json[column] ?? null])),
    state: 'counted',
    row: row.json,
  };
}

/** The version of Silver that a table's rows stand for; null when a table between the two has gone on meanwhile. */
async function silverVersionOf(
  gold: ReadonlyMap<string, DeltaTable>,
  project: ModelProject,
  model: Model,
  { version, transactions }: Snapshot,
): Promise<number | null> {
  const inputs = inputsOf(project, model);
  const { versions } = seenInputs({ version, transactions, rowsByDate: new Map() }, inputs);
  const direct = versions.get(silverSource);
  if (direct !== undefined) return direct;
  for (const name of inputs) {
    const upstream = project.models.get(name);
    const snapshot = await gold.get(name)?.snapshot();
    if (upstream === undefined || snapshot === undefined || snapshot.version !== versions.get(name)) continue;
    return silverVersionOf(gold, project, upstream, snapshot);
  }
  return null;
}

function whyLeftOut(project: ModelProject, view: string): string {
  const what = project.models.get(view)?.leavesOut ?? 'it';
  return `${view} leaves out ${what}.`;
}

function nothing(model: Model): Omit<GoldPlace, 'state'> {
  return {
    table: model.name,
    reason: null,
    key: null,
    row: null,
    version: null,
    committedAt: null,
    silverVersion: null,
  };
}

function jsonOf(row: TableRow, column: string): JsonValue {
  return row.json[column] ?? null;
}
