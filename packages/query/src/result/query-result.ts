import type { PinLabel } from '../pin.ts';
import type { JsonValue } from './json-value.ts';

export interface ResultColumn {
  readonly name: string;
  /** DuckDB's name of the type, as `BIGINT` or `STRUCT(x BIGINT, y BIGINT)`. */
  readonly type: string;
}

/** The answer to one statement; every value is as `toJsonValue` describes. */
export interface QueryResult {
  readonly columns: readonly ResultColumn[];
  /** One array per row, in the order of `columns` (whose names may repeat). */
  readonly rows: readonly (readonly JsonValue[])[];
  /** The length of `rows`. */
  readonly rowCount: number;
  /** Whether there was more than `maxRows` or the limit on bytes let through. */
  readonly truncated: boolean;
  readonly elapsedMs: number;
  /** The state of the tables that the statement saw (S6.1). */
  readonly pinned: PinLabel;
}
