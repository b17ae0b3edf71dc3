import type { PartitionValues, Snapshot } from '@clicklake/delta-lake';
import type { MaintenanceSettings } from './maintenance-settings.ts';

/** One OPTIMIZE: which partitions, and which of their files count as small. */
export interface PlannedCompaction {
  readonly partitions: readonly PartitionValues[];
  readonly smallFileBytes: number;
}

/**
 * Which partitions are worth a compaction now. Pure: from a snapshot's files alone.
 *
 * @param idleSince partitions with a file written after that (ms since the epoch) are left alone.
 */
export function planUpkeep(
  snapshot: Pick<Snapshot, 'files'>,
  settings: MaintenanceSettings,
  idleSince = Number.POSITIVE_INFINITY,
): readonly PlannedCompaction[] {
  const mediumBytes = settings.targetFileBytes * 0.75;
  const partitions = new Map<string, { values: PartitionValues; small: number; medium: number }>();
  const busy = new Set<string>();
  for (const file of snapshot.files.values()) {
    const key = JSON.stringify(file.partitionValues);
    if (file.modificationTime > idleSince) busy.add(key);
    if (file.size >= mediumBytes) continue;
    const counts = partitions.get(key) ?? { values: file.partitionValues, small: 0, medium: 0 };
    if (file.size < settings.smallFileBytes) counts.small += 1;
    else counts.medium += 1;
    partitions.set(key, counts);
  }
  const all = [...partitions].flatMap(([key, counts]) => (busy.has(key) ? [] : [counts]));
  const full = all.filter(({ medium }) => medium >= settings.mediumFiles);
  const small = all.filter(
    ({ small, medium }) => small >= settings.smallFiles && medium < settings.mediumFiles,
  );
  return [
    ...(full.length === 0
      ? []
      : [{ partitions: full.map(({ values }) => values), smallFileBytes: mediumBytes }]),
    ...(small.length === 0
      ? []
      : [{ partitions: small.map(({ values }) => values), smallFileBytes: settings.smallFileBytes }]),
  ];
}
