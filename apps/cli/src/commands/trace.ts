import { nodeFileSystem } from '@clicklake/durable-files';
import type { EventTrace } from '@clicklake/pipeline';
import { CliError } from '../cli-error.ts';
import type { CommandContext } from '../context.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { readLake } from '../lake/with-lake.ts';
import { formatCount } from '../terminal/columns.ts';
import { tellRecord } from './trace-story.ts';

/** No event_id is longer (S2.1). */
const longestId = 128;

/** Follows one event through everything; exit code 1 when nothing bears the id. */
export async function trace(context: CommandContext, eventId: string): Promise<ExitCode> {
  const { terminal, json } = context;
  const bytes = Buffer.byteLength(eventId);
  if (bytes === 0 || bytes > longestId)
    throw new CliError({
      code: 'cli-usage',
      message: `An event_id has 1 to ${longestId} bytes; this one has ${bytes}.`,
      hint: 'The collector’s answer names the id of each event; `clicklake tail` shows those that come in.',
    });
  const slow = setTimeout(() => terminal.talk('Still looking …'), 2_000);
  let found: EventTrace;
  try {
    found = await readLake(context, ({ admin }) => admin.trace(eventId));
  } finally {
    clearTimeout(slow);
  }
  if (json) terminal.json(found);
  else if (found.records.length > 0) {
    const kinds = await keyKinds(context);
    found.records.forEach((record, index) => {
      if (index > 0) terminal.data('');
      for (const line of tellRecord(record, {
        style: terminal.style,
        width: terminal.width,
        keyKinds: kinds,
      }))
        terminal.data(line);
    });
  }
  const { logRecordsPassedOver: passedOver } = found.looked;
  if (!json && passedOver > 0)
    terminal.warn(
      `Ingest is far behind: ${formatCount(passedOver)} older records of the log were not looked through. Ask again once it has taken them up.`,
    );
  if (found.records.length > 0) return exitCodes.ok;
  if (!json) terminal.warn(`No record bears the event_id ${JSON.stringify(eventId)}.`);
  if (!json) terminal.talk(`        Looked through ${extentOf(found)}.`);
  return exitCodes.checkFailed;
}

function extentOf({ looked }: EventTrace): string {
  const { silverVersion, silverRows, duplicateRows, deadLetterRows, tailRows, logRecords } = looked;
  const tables =
    silverVersion === null
      ? ['no tables, for there are none yet']
      : [
          `${formatCount(silverRows)} events of Silver (version ${silverVersion})`,
          `${formatCount(duplicateRows)} duplicates`,
          `${formatCount(deadLetterRows)} dead letters`,
        ];
  return [
    ...tables,
    ...(tailRows === null ? [] : [`${formatCount(tailRows)} rows of the tail`]),
    `${formatCount(logRecords)} records of the log that are not committed`,
  ].join(', ');
}

/** Kinds of write keys by their source, as far as there are keys. */
async function keyKinds({ paths }: CommandContext): Promise<ReadonlyMap<string, string>> {
  try {
    // Opening the store would make the keys of a home that has none.
    if ((await nodeFileSystem.stat(paths.writeKeys)) === undefined) return new Map();
    const { openKeyStore } = await import('@clicklake/collector');
    const keys = (await openKeyStore(paths.writeKeys)).list();
    return new Map(keys.map(({ sourceId, kind }) => [sourceId, kind]));
  } catch {
    // A home that another user reads keeps its secrets to itself.
    return new Map();
  }
}
