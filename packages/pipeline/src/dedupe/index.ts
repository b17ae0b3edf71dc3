export { openDedupeIndex } from './open-dedupe-index.ts';
export {
  dedupeDefaults,
  type DedupeIndex,
  type DedupeIndexOptions,
  type DedupeState,
  type DedupeStats,
  type FoundEntry,
  type OpenedDedupeIndex,
} from './dedupe-index.ts';
export { type DedupeBatch, type Verdicts } from './dedupe-batch.ts';
export { DedupeError, isCorruptState, type DedupeErrorCode } from './dedupe-error.ts';
