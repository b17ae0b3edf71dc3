import { topicPartitions, type Topic } from '@clicklake/event-log';
import { readLockOwner } from '@clicklake/durable-files';
import { CliError } from '../cli-error.ts';
import { formatSize } from '../config/units.ts';
import type { CommandContext } from '../context.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { findOwner } from '../lake/find-owner.ts';
import { connectTo, readLake } from '../lake/with-lake.ts';
import { alignColumns } from '../terminal/columns.ts';

export async function listTopics(context: CommandContext): Promise<ExitCode> {
  const { terminal, json } = context;
  const topics = await readLake(context, ({ admin }) => admin.topics());
  if (json) {
    terminal.json(topics);
    return exitCodes.ok;
  }
  const rows = topics.map((state) => [
    state.topic,
    state.partition,
    state.startOffset,
    state.endOffset,
    state.lag,
    formatSize(state.bytes),
    state.segments,
    rangesText(state.corrupt) || '-',
  ]);
  const header = ['topic', 'partition', 'start', 'end', 'lag', 'size', 'segments', 'corrupt'];
  for (const line of alignColumns(header, rows)) terminal.data(line);
  return exitCodes.ok;
}

/** Reads every record of the log: exit code 1 when some cannot be read (S5.1). */
export async function verifyTopics(context: CommandContext): Promise<ExitCode> {
  const { terminal, json } = context;
  const { openReadOnlyLog } = await import('../lake/open-lake.ts');
  const reader = await openReadOnlyLog(context);
  try {
    const states = await reader.describe();
    const checked = await Promise.all(
      states.map(async ({ topic, partition, startOffset, endOffset, corrupt, skipped }) => ({
        topic,
        partition,
        startOffset: Number(startOffset),
        endOffset: Number(endOffset),
        readable: Number(await reader.count(topic, partition, startOffset)),
        corrupt: corrupt.map(({ from, to }) => ({ from: Number(from), to: Number(to) })),
        skipped: skipped.map(({ from, to }) => ({ from: Number(from), to: Number(to) })),
      })),
    );
    const sound = checked.every(({ corrupt }) => corrupt.length === 0);
    if (json) terminal.json({ sound, partitions: checked });
    else {
      const rows = checked.map((one) => [
        one.topic,
        one.partition,
        one.readable,
        rangesText(one.corrupt) || '-',
        rangesText(one.skipped) || '-',
      ]);
      for (const line of alignColumns(['topic', 'partition', 'readable', 'corrupt', 'given up'], rows))
        terminal.data(line);
      if (!sound)
        terminal.warn(
          'Ingest stops before a corrupt range: `clicklake topics skip-corrupt <topic> <partition>` gives it up.',
        );
    }
    return sound ? exitCodes.ok : exitCodes.checkFailed;
  } finally {
    await reader.close();
  }
}

/** Gives up what cannot be read (S5.1): by the log's writer when one runs, else as its writer. */
export async function skipCorrupt(
  context: CommandContext,
  topic: string,
  partition: number,
): Promise<ExitCode> {
  const { terminal, json } = context;
  const known = parsePartition(topic, partition);
  const skipped = await skipThroughWriter(context, known, partition);
  if (json) terminal.json({ topic, partition, skipped });
  else if (skipped.length === 0) terminal.data(`${topic}/${partition} has no corrupt range.`);
  else
    terminal.data(
      `${topic}/${partition}: gave up ${rangesText(skipped)}. The ledger books these records as unreadable.`,
    );
  return exitCodes.ok;
}

async function skipThroughWriter(context: CommandContext, topic: Topic, partition: number) {
  const owner = await findOwner(context.paths.ingestLock);
  if (owner?.role === 'up') return (await connectTo(context, owner)).skipCorrupt(topic, partition);
  const collecting = await readLockOwner(context.paths.collectorLock);
  if (collecting !== undefined) {
    throw new CliError({
      code: 'cli-owned-elsewhere',
      message: `Process ${collecting.pid} (${collecting.role}) writes the log.`,
      hint: `Stop it (kill ${collecting.pid}), run the command again, and start it anew.`,
      details: { pid: collecting.pid },
    });
  }
  const { withLogWriter } = await import('../lake/open-lake.ts');
  const ranges = await withLogWriter(context, 'skip-corrupt', (writer) =>
    writer.skipCorrupt(topic, partition),
  );
  return ranges.map(({ from, to }) => ({ from: Number(from), to: Number(to) }));
}

/** @throws CliError `cli-not-found` */
function parsePartition(topic: string, partition: number): Topic {
  if (Object.hasOwn(topicPartitions, topic)) {
    const known = topic as Topic;
    if (partition < topicPartitions[known]) return known;
  }
  throw new CliError({
    code: 'cli-not-found',
    message: `There is no partition ${partition} of a topic ${topic}.`,
    hint: '`clicklake topics` lists them.',
  });
}

function rangesText(ranges: readonly { readonly from: number; readonly to: number }[]): string {
  return ranges.map(({ from, to }) => `${from}–${to - 1}`).join(', ');
}
