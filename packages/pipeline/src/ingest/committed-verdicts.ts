/**
 * Verdicts that an earlier process life already made durable (S4.1). Dead letters and duplicates are committed
 * before Silver, so after a crash between those commits there are offsets whose fate is on record while Silver
 * does not cover them yet. They are read back and never judged anew: neither another batch size nor a changed
 * contract may give a record a second fate.
 */
export interface CommittedVerdicts {
  /** Whether the record's validity is on record: then it is dead exactly when `isDead`. */
  readonly validityKnown: (partition: number, offset: bigint) => boolean;
  readonly isDead: (partition: number, offset: bigint) => boolean;
  /** Whether it is on record whether this is a duplicate: then it is one exactly when `isDuplicate`. */
  readonly uniquenessKnown: (partition: number, offset: bigint) => boolean;
  readonly isDuplicate: (partition: number, offset: bigint) => boolean;
  /** No offset at or after this one has a verdict on record, per partition. */
  readonly until: readonly bigint[];
}

export interface VerdictSources {
  /** Next offset per partition by the `txn` of each table. */
  readonly silver: readonly bigint[];
  readonly deadLetters: readonly bigint[];
  readonly duplicates: readonly bigint[];
  /** Offsets of the rows at or after Silver's, ascending, per partition: a restore can make them many. */
  readonly deadRows: readonly Float64Array[];
  readonly duplicateRows: readonly Float64Array[];
}

export function committedVerdicts(sources: VerdictSources): CommittedVerdicts {
  // The duplicates commit comes after that of the dead letters, so it vouches for validity too: when a batch
  // had no dead letter, that table was not touched at all (S4.4).
  const validity = sources.deadLetters.map((next, partition) =>
    max(next, sources.duplicates[partition] ?? 0n),
  );
  return {
    validityKnown: (partition, offset) => offset < (validity[partition] ?? 0n),
    isDead: (partition, offset) => includes(sources.deadRows[partition], offset),
    uniquenessKnown: (partition, offset) => offset < (sources.duplicates[partition] ?? 0n),
    isDuplicate: (partition, offset) => includes(sources.duplicateRows[partition], offset),
    until: validity,
  };
}

function includes(sorted: Float64Array | undefined, offset: bigint): boolean {
  const wanted = Number(offset);
  let from = 0;
  let to = sorted?.length ?? 0;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((sorted?.[middle] ?? 0) < wanted) from = middle + 1;
    else to = middle;
  }
  return sorted?.[from] === wanted;
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
