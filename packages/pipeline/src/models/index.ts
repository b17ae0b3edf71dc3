export {
  allBuckets,
  compileModel,
  compileQuery,
  type Bucket,
  type CompileTarget,
  type OffsetRange,
  type RunVariables,
} from './compile.ts';
export { loadProject } from './load-project.ts';
export { createProjectCache, type ProjectCache } from './project-cache.ts';
export { ModelError, type ModelErrorCode } from './model-error.ts';
export type {
  DataTest,
  Dependency,
  Model,
  ModelColumn,
  ModelProject,
  Template,
  Variables,
} from './model-project.ts';
export type { TestConfig } from './test-config.ts';
