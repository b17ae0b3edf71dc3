export * from './event-log.ts';
export { fetchMemory, type FetchMemory } from './fetch-memory.ts';
export { EventLogError, type EventLogErrorCode } from './event-log-error.ts';
export { partitionFor } from './partitioner.ts';
export { openEmbeddedLog } from './embedded/open-embedded-log.ts';
export { lockForWriting } from './embedded/writer-lock.ts';
export { type EmbeddedLogOptions } from './embedded/embedded-log-options.ts';
