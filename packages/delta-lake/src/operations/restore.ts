import type { AddFile } from '../log/actions.ts';
import { DeltaError } from '../delta-error.ts';
import { loadVersion, type VersionReference } from './time-travel.ts';
import type { CommitResult, TableContext } from '../table-context.ts';
import type { Snapshot } from '../log/table-state.ts';

export interface RestoreOptions {
  /**
   * Transactions to commit with it, from both snapshots (S4.3): the default keeps them, `rewindTransactions`
   * sets them back.
   */
  readonly transactions?: (
    target: Snapshot,
    current: Snapshot,
  ) => readonly { readonly appId: string; readonly version: bigint }[];
  readonly userMetadata?: string;
}

export interface RestoreResult extends CommitResult {
  readonly restoredVersion: number;
  readonly addedFiles: number;
  readonly removedFiles: number;
}

/** Sets every transaction back to the target's; one that did not exist yet, to `initial`: it cannot be deleted. */
export function rewindTransactions(initial: bigint): NonNullable<RestoreOptions['transactions']> {
  return (target, current) =>
    [...current.transactions.keys()].map((appId) => ({
      appId,
      version: target.transactions.get(appId) ?? initial,
    }));
}

/**
 * Makes the table what it was at a version, as a new version: files, schema and properties. Versions in between
 * stay in the history.
 *
 * @throws DeltaError `delta-version-not-found`, `delta-file-missing`; `delta-concurrent-*` when anybody wrote
 *   meanwhile.
 */
export async function restoreTable(
  table: TableContext,
  reference: VersionReference,
  options: RestoreOptions,
): Promise<RestoreResult> {
  const current = await table.log.refresh();
  const target = await loadVersion(table, reference);
  const adds = [...target.files.values()].filter((file) => !current.files.has(file.path));
  const removes = [...current.files.values()].filter((file) => !target.files.has(file.path));
  await requirePresent(table, adds, target.version);
  const describesItself =
    target.metadata.schemaString === current.metadata.schemaString &&
    JSON.stringify(target.metadata.configuration) === JSON.stringify(current.metadata.configuration);
  const committed = await table.commit({
    operation: 'RESTORE',
    operationParameters:
      'version' in reference
        ? { version: target.version }
        : { timestamp: new Date(reference.timestamp).toISOString() },
    operationMetrics: {
      numRestoredFiles: adds.length,
      numRemovedFiles: removes.length,
      numOfFilesAfterRestore: target.files.size,
      restoredFilesSize: adds.reduce((sum, file) => sum + file.size, 0),
    },
    adds,
    removes,
    reads: { kind: 'table' },
    readVersion: current.version,
    ...(describesItself ? {} : { metadata: target.metadata }),
    ...(options.transactions === undefined ? {} : { transactions: options.transactions(target, current) }),
    ...(options.userMetadata === undefined ? {} : { userMetadata: options.userMetadata }),
  });
  return {
    ...committed,
    restoredVersion: target.version,
    addedFiles: adds.length,
    removedFiles: removes.length,
  };
}

async function requirePresent(
  table: TableContext,
  files: readonly AddFile[],
  version: number,
): Promise<void> {
  const missing: string[] = [];
  for (const file of files) {
    if ((await table.store.head(file.path)) === undefined) missing.push(file.path);
  }
  if (missing.length === 0) return;
  throw new DeltaError({
    code: 'delta-file-missing',
    message: `Version ${version} cannot be restored: ${missing.length} of its files are gone, ${missing[0] ?? ''} first.`,
    hint: 'Choose a version younger than delta.deletedFileRetentionDuration; VACUUM has taken the files of this one.',
    details: { version, missing },
  });
}
