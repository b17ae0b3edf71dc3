import type { DeltaTable } from '@clicklake/delta-lake';
import type { LakeTables } from '../lake/lake-tables.ts';
import { tableNames } from '../lake-service.ts';
import type { MaintenanceSettings } from '../maintenance/maintenance-settings.ts';
import { planUpkeep } from '../maintenance/plan-compaction.ts';
import { retentionProperties } from '../maintenance/table-retention.ts';
import { compactTable } from '../maintenance/table-upkeep.ts';
import type { Job, JobStep, StepReport } from './job.ts';
import { goldClaim, maintenanceJob } from './job-descriptions.ts';

export interface MaintenanceJobOptions {
  readonly tables: LakeTables;
  /** The Gold tables that there are by now. */
  readonly gold: () => Promise<ReadonlyMap<string, DeltaTable>>;
  readonly settings: MaintenanceSettings;
  readonly clock: () => number;
}

/** A refresh keeps the files of the dates that it works on few by itself, and in an order that packing would undo. */
const goldIdleMs = 6 * 60 * 60 * 1000;

interface Kept {
  readonly name: string;
  readonly table: DeltaTable;
  /** The tables that nobody else may write meanwhile. */
  readonly claims: readonly string[];
  /** What its log has to tell every reader, where it does not yet. */
  readonly properties: Readonly<Record<string, string>>;
  /** A date that was written to within that time is left alone. */
  readonly idleMs: number;
}

/** OPTIMIZE and VACUUM: one table after another, so that none is held while another is worked at. */
export function createMaintenanceJob({ tables, gold, settings, clock }: MaintenanceJobOptions): Job {
  // Each once soon after the start: a process that never lives for an hour would otherwise never do it.
  const vacuumedAt = new Map<string, number>();

  async function kept(): Promise<readonly Kept[]> {
    return [
      ...tableNames.map((name): Kept => ({
        name,
        table: tables[name],
        claims: [name],
        properties: retentionProperties(settings.retentions.silver),
        idleMs: 0,
      })),
      ...[...(await gold())].map(([name, table]): Kept => ({
        name,
        table,
        claims: [goldClaim],
        properties: retentionProperties(settings.retentions.gold),
        idleMs: goldIdleMs,
      })),
    ];
  }

  function isVacuumDue(name: string): boolean {
    return clock() - (vacuumedAt.get(name) ?? Number.NEGATIVE_INFINITY) >= settings.vacuumIntervalMs;
  }

  /** Undefined: whenever it was written to. */
  const idleSince = ({ idleMs }: Kept): number | undefined => (idleMs === 0 ? undefined : clock() - idleMs);

  function stepOf(each: Kept, vacuum: boolean): JobStep {
    const { name, table, claims, properties } = each;
    return {
      tables: claims,
      async run(signal): Promise<StepReport> {
        const did: string[] = [];
        if (await lacksProperties(table, properties)) await table.setProperties(properties);
        const { filesRemoved, filesAdded } = await compactTable(table, settings, signal, idleSince(each));
        if (filesRemoved > 0) did.push(`${filesRemoved} files became ${filesAdded}`);
        if (vacuum) {
          signal.throwIfAborted();
          const { keys } = await table.vacuum();
          vacuumedAt.set(name, clock());
          if (keys.length > 0) did.push(`${keys.length} old files deleted`);
        }
        return { did: did.length === 0 ? null : `${name}: ${did.join(', ')}` };
      },
    };
  }

  return {
    ...maintenanceJob,
    async plan(asked) {
      const steps: JobStep[] = [];
      for (const each of await kept()) {
        const vacuum = asked || isVacuumDue(each.name);
        const toPack = planUpkeep(await each.table.snapshot(), settings, idleSince(each)).length > 0;
        if (vacuum || toPack || (await lacksProperties(each.table, each.properties)))
          steps.push(stepOf(each, vacuum));
      }
      return steps;
    },
  };
}

/** Settings change, and a table may be older than they are. */
async function lacksProperties(table: DeltaTable, properties: Kept['properties']): Promise<boolean> {
  const { configuration } = (await table.snapshot()).metadata;
  return Object.entries(properties).some(([key, value]) => configuration[key] !== value);
}
