export { PipelineError, type PipelineErrorCode } from './pipeline-error.ts';
export { defaultIngestSettings, type IngestSettings } from './ingest/ingest-settings.ts';
export { lakePaths, type LakePaths } from './lake-paths.ts';
export * from './lake-service.ts';
