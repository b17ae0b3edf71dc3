export { openQueryEngine, type QueryEngine, type RunOptions } from './engine/query-engine.ts';
export type { QueryEngineOptions } from './engine/options.ts';
export type { Pin, PinLabel, QueryTable, QueryTail, TailCover } from './pin.ts';
export type { TailColumn, TailSlice, TailTable } from './tail/tail-table.ts';
export type { QueryResult, ResultColumn } from './result/query-result.ts';
export { toJsonValue, type JsonValue } from './result/json-value.ts';
export { QueryError, type QueryErrorCode } from './query-error.ts';
