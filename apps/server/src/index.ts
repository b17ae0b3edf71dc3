export { createServer, type Server } from './server.ts';
export type { ServerOptions } from './server-options.ts';
export { ServerError, type ServerErrorCode } from './server-error.ts';
export { ApiError, type ApiErrorCode, type ErrorBody } from './api-error.ts';
export { createCredentials, type Credentials, type LoginCode } from './access/credentials.ts';
export { createLocalAdmin, vitalsOf, type LocalParts, type ProcessFacts } from './admin/local-admin.ts';
export type {
  BackFillOptions,
  BackFillProgress,
  BackFillRequest,
  BackFillResult,
  CollectorCounters,
  ExportOptions,
  LakeAdmin,
  Overview,
  ReplayOptions,
  SkippedRange,
  SqlAnswer,
  SqlOptions,
  Vitals,
} from './admin/lake-admin.ts';
export type { BackFillLine } from './routes/back-fill.ts';
export type { ExportLine, ReplayLine } from './routes/dead-letters.ts';
export { createLiveFeed, type LiveFeed, type LiveFeedOptions } from './live/live-feed.ts';
export type { LiveSample } from './live/live-sample.ts';
