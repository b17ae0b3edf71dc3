import { topicPartitions } from '@clicklake/event-log';
import type { PinnedTable } from '../engine/engine.ts';
import { coveredOffsets } from '../ingest/transaction-ids.ts';

/*
 * What a Gold table's rows stand for, as its `txn`s: the version of every input, the log offsets of Silver at that
 * version, and the model that made them. They move in the commit that replaces the rows.
 */

const inputAppId = (input: string): string => `clicklake-refresh-${input}`;
const offsetAppId = (partition: number): string => `clicklake-refresh-offset-${partition}`;
const modelAppId = 'clicklake-refresh-model';

/** What a Gold table has seen; an input that is missing here is new to it. */
export interface SeenInputs {
  readonly versions: ReadonlyMap<string, number>;
  /** Next log offset by partition. */
  readonly offsets: readonly bigint[];
  readonly model: bigint | undefined;
}

export function seenInputs(table: PinnedTable, inputs: readonly string[]): SeenInputs {
  const { transactions } = table;
  return {
    versions: new Map(
      inputs.flatMap((input) => {
        const version = transactions.get(inputAppId(input));
        return version === undefined ? [] : [[input, Number(version)] as const];
      }),
    ),
    offsets: partitions().map((partition) => transactions.get(offsetAppId(partition)) ?? 0n),
    model: transactions.get(modelAppId),
  };
}

/** A `txn` holds a 64-bit number: of the fingerprint that many bits are kept. */
export function modelNumber(fingerprint: string): bigint {
  return BigInt(`0x${fingerprint.slice(0, 15)}`);
}

/** The `txn`s of a refresh. */
export function refreshTransactions(
  versions: ReadonlyMap<string, number>,
  silver: PinnedTable,
  fingerprint: string,
): { readonly appId: string; readonly version: bigint }[] {
  const offsets = coveredOffsets(silver.transactions, 'clickstream-events');
  return [
    ...[...versions].map(([input, version]) => ({ appId: inputAppId(input), version: BigInt(version) })),
    ...offsets.map((version, partition) => ({ appId: offsetAppId(partition), version })),
    { appId: modelAppId, version: modelNumber(fingerprint) },
  ];
}

function partitions(): number[] {
  return Array.from({ length: topicPartitions['clickstream-events'] }, (_, partition) => partition);
}
