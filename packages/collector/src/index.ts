export { createCollector, type Collector, type CollectorAddress } from './collector.ts';
export type { AppendedRequest, CollectorOptions, Pressure } from './collector-options.ts';
export { defaultLimits, type Limits } from './limits.ts';
export type { CollectorSnapshot } from './counters.ts';
export type { RefusalCode } from './refusal.ts';
export { CollectorError, type CollectorErrorCode } from './collector-error.ts';
export { createKeyStore, openKeyStore, type FileKeyStore, type KeyStore } from './key-store.ts';
export { generateWriteKey, type KeyKind, type NewWriteKey, type WriteKey } from './write-key.ts';
export { createEnricher } from './enrichment.ts';
export type { DeadLetterKey } from './dead-letter.ts';
export { judgeReplay, type ReplayJudge } from './replay/replay.ts';
export {
  createReplayStore,
  serverSources,
  type ReplayStore,
  type ReplayStoreOptions,
} from './replay/replay-store.ts';
export { maxReplays } from './replay/replays-route.ts';
