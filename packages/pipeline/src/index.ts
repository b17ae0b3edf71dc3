export { PipelineError, type PipelineErrorCode } from './pipeline-error.ts';
export { defaultIngestSettings, settingsWithin, type IngestSettings } from './ingest/ingest-settings.ts';
export { lakePaths, type LakePaths } from './lake-paths.ts';
export * from './lake-service.ts';
export { openLakeOwner, type LakeOwnerOptions, type OwnedLake } from './lake/lake-owner.ts';
export { createGoldRefresh, type GoldRefresh, type GoldRefreshOptions } from './lake/gold-refresh.ts';
export { openLakeReader, type LakeReaderOptions } from './lake/open-lake-reader.ts';
export { defaultMaintenanceSettings, type MaintenanceSettings } from './maintenance/maintenance-settings.ts';
export type * from './trace/event-trace.ts';
export { traceLog } from './trace/trace-event.ts';
export {
  defaultTableRetentions,
  type TableRetention,
  type TableRetentions,
} from './maintenance/table-retention.ts';
export { applyLogRetention } from './maintenance/log-retention.ts';
export { openLakeDedupe, type LakeDedupe } from './lake/lake-dedupe.ts';
export { ingestGroup } from './ingest/ingest-session.ts';
export * from './models/index.ts';
export * from './replay/index.ts';
export { placeText } from './lake/dead-letter-rows.ts';
export type {
  ChangedDates,
  Engine,
  EngineSession,
  PinnedTable,
  QueryRow,
  ReplacedDates,
  ReplaceDates,
  WrittenTable,
} from './engine/engine.ts';
export { createDuckdbEngine, type DuckdbEngineOptions } from './engine/duckdb-engine.ts';
export type { RefreshedModel } from './refresh/execute-plan.ts';
export {
  createRefresher,
  type Refresher,
  type RefreshProgress,
  type RefreshResult,
} from './refresh/refresher.ts';
export type {
  FailingTest,
  TableStanding,
  TestProgress,
  TestReport,
  TestRequest,
  TestResult,
  Verdict,
} from './data-tests/test-report.ts';
export { testFailures } from './data-tests/test-failures.ts';
export type { RefreshRequest } from './refresh/plan-refresh.ts';
export type { PlannedStep, RefreshPlan } from './refresh/refresh-plan.ts';
export { defaultJobsSettings, noJobsByThemselves, type JobsSettings } from './jobs/jobs-settings.ts';
export { webhookDefaults } from './jobs/webhook.ts';
export { parseSchedule, scheduleText, type Schedule } from './jobs/schedule.ts';
export type { JobsHealth, JobState, Orchestrator, RunWork } from './jobs/orchestrator.ts';
export type { FailingJob, Run, RunFilter, RunOutcome, RunTrigger, WebhookCall } from './jobs/run.ts';
export type { GoldLag } from './jobs/gold-lag.ts';
export { readJobs, type JobsOnRecord } from './lake/jobs-on-record.ts';
