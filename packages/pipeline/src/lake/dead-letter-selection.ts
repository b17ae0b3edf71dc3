import { pruneFiles, scanSql } from '@clicklake/delta-lake';
import {
  BIGINT,
  INTEGER,
  LIST,
  listValue,
  VARCHAR,
  type DuckDBConnection,
  type DuckDBType,
  type DuckDBValue,
} from '@duckdb/node-api';
import type {
  DeadLetterSelect,
  DeadLetterSelection,
  SelectedDeadLetter,
  SizedDeadLetterPlace,
} from '../lake-service.ts';
import { deadLettersWithReplays, filterConditions, originOf } from './dead-letter-filter.ts';
import { deadLetterColumns, deadLetterOf, placeBatches } from './dead-letter-rows.ts';
import { tableSql, type LakeTables } from './lake-tables.ts';

const [placesTable, lettersTable, attemptsTable] = ['places', 'letters', 'attempts'];

/**
 * Reads the dead letters of a selection out of the tables once, into tables of DuckDB’s own, which spill: a replay of
 * many goes through them batch by batch, and would else read the whole of the dead letters for each.
 *
 * @param connection of this selection alone, which closes it; its temporary tables go with it.
 */
export async function selectDeadLetters(
  connection: DuckDBConnection,
  tables: LakeTables,
  select: DeadLetterSelect,
): Promise<DeadLetterSelection> {
  try {
    const { sql, values, types } = await placesSql(tables, select);
    await connection.run(
      `CREATE TEMP TABLE ${placesTable} AS ${sql}`,
      [...values],
      types === undefined ? undefined : [...types],
    );
    await connection.run(`CREATE TEMP TABLE ${lettersTable} AS ${await lettersSql(tables)}`);
    await connection.run(`CREATE TEMP TABLE ${attemptsTable} AS ${await attemptsSql(tables)}`);
    const places = await readPlaces(connection);
    return {
      places,
      async *batches(most, mostBytes) {
        let from = 0;
        for (const batch of placeBatches(places, most, mostBytes)) {
          yield await readLetters(connection, batch, from);
          from += batch.length;
        }
      },
      async failedReplays(origins) {
        const found = await connection.runAndReadAll(
          `SELECT origin, attempt FROM ${attemptsTable} WHERE origin IN (SELECT unnest($1::VARCHAR[]))`,
          [listValue([...origins])],
          [LIST(VARCHAR)],
        );
        return found.getRows().map(([of, raw]) => ({ of: String(of), raw: String(raw) }));
      },
      [Symbol.asyncDispose]() {
        connection.closeSync();
        return Promise.resolve();
      },
    };
  } catch (error) {
    connection.closeSync();
    throw error;
  }
}

interface Question {
  readonly sql: string;
  readonly values: readonly DuckDBValue[];
  /** Of the values, where there may be an empty list among them, whose type nothing tells. */
  readonly types?: readonly DuckDBType[];
}

/** The places in their order, with the size of their bytes; 0 for what somebody names one by one. */
async function placesSql(tables: LakeTables, select: DeadLetterSelect): Promise<Question> {
  if ('places' in select) {
    const { places } = select;
    return {
      sql: `SELECT unnest($1::BIGINT[]) AS nth, unnest($2::VARCHAR[]) AS topic, unnest($3::INTEGER[]) AS part,
        unnest($4::BIGINT[]) AS off, 0 AS bytes`,
      values: [
        listValue(places.map((_, nth) => BigInt(nth))),
        listValue(places.map(({ topic }) => topic)),
        listValue(places.map(({ partition }) => partition)),
        listValue(places.map(({ offset }) => BigInt(offset))),
      ],
      types: [LIST(BIGINT), LIST(VARCHAR), LIST(INTEGER), LIST(BIGINT)],
    };
  }
  const { sql, values } = filterConditions(select.filter);
  return {
    sql: `SELECT row_number() OVER (ORDER BY received_at, topic, part, off) - 1 AS nth, topic, part, off, bytes FROM (
        SELECT d.topic AS topic, d."partition" AS part, d."offset" AS off, d.received_at AS received_at, octet_length(d.raw) AS bytes
        FROM ${await deadLettersWithReplays(tables.dead_letters, tables.silver)} WHERE ${sql}
        QUALIFY row_number() OVER (PARTITION BY ${originOf} ORDER BY d.received_at DESC, d.topic, d."offset" DESC) = 1
        ORDER BY d.received_at, d.topic, d."partition", d."offset" LIMIT ${Math.max(0, Math.trunc(select.limit))}
      )`,
    values,
  };
}

/** With the dead letter that a failed replay goes back to: its times count (S2.3). */
async function lettersSql({ dead_letters: table, silver }: LakeTables): Promise<string> {
  const roots = `SELECT topic || ':' || "partition" || ':' || "offset" AS origin, topic, received_at, event_id, source_id
    FROM (${tableSql(table, await table.snapshot())})`;
  return `SELECT p.nth AS nth, ${deadLetterColumns.map((column, index) => `${column} AS c${index}`).join(', ')},
      o.topic AS root_topic, CAST(epoch_ms(o.received_at) AS DOUBLE) AS root_received, o.event_id AS root_event_id,
      o.source_id AS root_source_id
    FROM ${await deadLettersWithReplays(table, silver)}
    JOIN ${placesTable} p ON d.topic = p.topic AND d."partition" = p.part AND d."offset" = p.off
    LEFT JOIN (${roots}) o ON o.origin = d.replay_of`;
}

/** Attempts at the same origins that were rejected again, of bytes that are text. */
async function attemptsSql({ dead_letters: table }: LakeTables): Promise<string> {
  const snapshot = await table.snapshot();
  const files = pruneFiles(snapshot, [{ column: 'replay_of', op: 'is not null' }]);
  const [topic, partition, offset] = ['c0', 'c1', 'c2'];
  return `SELECT replay_of AS origin, TRY(decode(raw)) AS attempt FROM (${scanSql(table.store, snapshot, files)})
    WHERE replay_of IS NOT NULL AND TRY(decode(raw)) IS NOT NULL AND replay_of IN (
      SELECT coalesce(c${replayOfColumn}, ${topic} || ':' || ${partition} || ':' || ${offset}) FROM ${lettersTable})`;
}

const replayOfColumn = deadLetterColumns.indexOf('d.replay_of');

async function readPlaces(connection: DuckDBConnection): Promise<readonly SizedDeadLetterPlace[]> {
  const found = await connection.runAndReadAll(
    `SELECT topic, part, off, bytes FROM ${placesTable} ORDER BY nth`,
  );
  return found.getRows().map(([topic, partition, offset, bytes]) => ({
    topic: String(topic),
    partition: Number(partition),
    offset: Number(offset),
    bytes: Number(bytes),
  }));
}

async function readLetters(
  connection: DuckDBConnection,
  places: readonly SizedDeadLetterPlace[],
  from: number,
): Promise<readonly SelectedDeadLetter[]> {
  const found = await connection.runAndReadAll(
    `SELECT * FROM ${lettersTable} WHERE nth >= ${from} AND nth < ${from + places.length}`,
  );
  const letters = new Map<number, Pick<SelectedDeadLetter, 'row' | 'root'>>();
  for (const [nth, ...values] of found.getRows()) {
    const [topic, receivedAt, eventId, sourceId] = values.slice(deadLetterColumns.length);
    letters.set(Number(nth), {
      row: deadLetterOf(values.slice(0, deadLetterColumns.length)),
      root:
        topic == null
          ? null
          : {
              topic: String(topic),
              received_at: new Date(Number(receivedAt)).toISOString(),
              event_id: typeof eventId === 'string' ? eventId : null,
              source_id: typeof sourceId === 'string' ? sourceId : null,
            },
    });
  }
  return places.map((place, index) => ({
    place,
    ...(letters.get(from + index) ?? { row: null, root: null }),
  }));
}
