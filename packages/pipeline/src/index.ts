export { PipelineError, type PipelineErrorCode } from './pipeline-error.ts';
export { defaultIngestSettings, type IngestSettings } from './ingest/ingest-settings.ts';
export { lakePaths, type LakePaths } from './lake-paths.ts';
export * from './lake-service.ts';
export { openLakeOwner, type LakeOwnerOptions, type OwnedLake } from './lake/lake-owner.ts';
export { openLakeReader, type LakeReaderOptions } from './lake/open-lake-reader.ts';
export { defaultMaintenanceSettings, type MaintenanceSettings } from './maintenance/maintenance-settings.ts';
export { applyLogRetention } from './maintenance/log-retention.ts';
export { openLakeDedupe, type LakeDedupe } from './lake/lake-dedupe.ts';
