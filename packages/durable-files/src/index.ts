export { type FileSystem, type OpenFile, type FileStat, type OpenMode } from './file-system.ts';
export { nodeFileSystem } from './node-file-system.ts';
export { type CrashPoints, noCrashPoints, environmentCrashPoints } from './crash-points.ts';
export { writeFileDurably, linkFileDurably } from './durable-write.ts';
export { acquireLock, readLockOwner, type Lock } from './lock-file.ts';
export { type LockOwner } from './lock-owner.ts';
export { DurableFilesError, type DurableFilesErrorCode } from './durable-files-error.ts';
