import { localStore } from '@clicklake/delta-lake';
import { environmentCrashPoints } from '@clicklake/durable-files';
import { openLakeDuckdb } from '../../src/lake/duckdb.ts';
import { openExistingTables } from '../../src/lake/lake-tables.ts';
import { applyLogRetention } from '../../src/maintenance/log-retention.ts';
import type { ChildTask } from './child.ts';
import { lakeAppender, replayAll } from './replays.ts';
import { testLakeAt } from './test-lake.ts';

const task = JSON.parse(process.argv[2] ?? '{}') as ChildTask;
const crashPoints = environmentCrashPoints(process.env.CLICKLAKE_CRASH_AT);
const lake = testLakeAt(task.home);

for (const step of task.steps) {
  if (step === 'retention') {
    const log = lake.log({ crashPoints, retentionMs: 1, clock: () => Date.now() + 10_000 });
    const [writer, reader] = [await log.openWriter(), await log.openReader()];
    await applyLogRetention(writer, reader);
    await reader.close();
    await writer.close();
    continue;
  }
  const owner = await lake.open({
    crashPoints,
    settings: task.settings ?? {},
    contract: task.contract ?? {},
    jobs: { silverRetentionMs: 30 * 86_400_000 },
  });
  if (step === 'catch-up') await owner.catchUp(() => undefined);
  if (step === 'replay')
    await replayAll(owner, lakeAppender(lake, { crashPoints }), { changes: ['set user_id=ada'] });
  if (step === 'refresh') await owner.refresh({ full: false, models: [] });
  if (step === 'restore' || step === 'discard')
    await owner.restore('silver', { version: task.version ?? 1, discard: step === 'discard' });
  if (step === 'silver-retention') await owner.runJob('retention');
  if (step === 'optimize') await owner.optimize('silver', {});
  await owner.close();
  if (step !== 'vacuum' && step !== 'checkpoint-often' && step !== 'clean-up-log') continue;
  const duckdb = await openLakeDuckdb(lake.paths.scratch, 256);
  const tables = await openExistingTables({
    paths: lake.paths,
    openStore: localStore,
    duckdb,
    crashPoints,
    clock: Date.now,
  });
  if (step === 'vacuum') await tables?.silver.vacuum({ retentionHours: 0, allowShorterRetention: true });
  else if (step === 'checkpoint-often')
    await tables?.silver.setProperties({ 'delta.checkpointInterval': '2' });
  else {
    await tables?.silver.setProperties({ 'delta.logRetentionDuration': 'interval 0 days' });
    await tables?.silver.checkpoint();
    await tables?.silver.cleanUpLog();
  }
}
