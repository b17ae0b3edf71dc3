import {
  tableNames,
  type OptimizeOptions,
  type RestoreOptions,
  type TableName,
  type VacuumOptions,
} from '@clicklake/pipeline';
import { CliError, usageError } from '../cli-error.ts';
import { formatSize } from '../config/units.ts';
import type { CommandContext } from '../context.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { readLake, writeLake } from '../lake/with-lake.ts';
import { alignColumns, formatCount } from '../terminal/columns.ts';

export async function listTables(context: CommandContext): Promise<ExitCode> {
  const { terminal, json } = context;
  const tables = await readLake(context, ({ admin }) => admin.tables());
  if (json) terminal.json(tables);
  else if (tables.length === 0) terminal.talk('There are no tables yet: they come with the first ingest.');
  else {
    const rows = tables.map(({ name, rows, files, bytes, version, location }) => [
      name,
      rows,
      files,
      formatSize(bytes),
      version,
      location,
    ]);
    for (const line of alignColumns(['table', 'rows', 'files', 'size', 'version', 'location'], rows))
      terminal.data(line);
  }
  return exitCodes.ok;
}

export async function showTable(context: CommandContext, given: string): Promise<ExitCode> {
  const { terminal, json } = context;
  const table = (await readLake(context, ({ admin }) => admin.tables())).find(({ name }) => name === given);
  if (table === undefined) throw noSuchTable(given);
  if (json) terminal.json(table);
  else {
    const { bold } = terminal.style;
    terminal.data(`${bold(table.name)}  version ${table.version}`);
    terminal.data(
      `${formatCount(table.rows)} rows in ${formatCount(table.files)} files, ${formatSize(table.bytes)}`,
    );
    terminal.data(`Location    ${table.location}`);
    terminal.data(`Partitions  ${table.partitionColumns.join(', ') || 'none'}`);
    terminal.data('');
    for (const line of alignColumns(
      ['column', 'type'],
      table.columns.map((column) => [column.name, column.type]),
    ))
      terminal.data(line);
  }
  return exitCodes.ok;
}

export async function showHistory(context: CommandContext, given: string, limit: number): Promise<ExitCode> {
  const { terminal, json } = context;
  const commits = await readLake(context, ({ admin }) => admin.history(given, limit));
  if (commits === undefined) throw noSuchTable(given);
  if (json) terminal.json(commits);
  else {
    const rows = commits.map(({ version, timestamp, operation, metrics }) => [
      version,
      timestamp,
      operation,
      JSON.stringify(metrics),
    ]);
    for (const line of alignColumns(['version', 'timestamp', 'operation', 'metrics'], rows))
      terminal.data(line);
  }
  return exitCodes.ok;
}

export async function optimizeTable(
  context: CommandContext,
  given: string,
  options: OptimizeOptions,
): Promise<ExitCode> {
  const name = parseTableName(given);
  const result = await writeLake(context, 'optimize', ({ admin }) => admin.optimize(name, options));
  const { filesRemoved, filesAdded, bytesRemoved, bytesAdded } = result;
  say(
    context,
    result,
    result.version === null
      ? `${name}: nothing to optimize.`
      : `${name}: ${filesRemoved} files (${formatSize(bytesRemoved)}) became ${filesAdded} (${formatSize(bytesAdded)}) in version ${result.version}.`,
  );
  return exitCodes.ok;
}

export async function vacuumTable(
  context: CommandContext,
  given: string,
  options: VacuumOptions,
): Promise<ExitCode> {
  const name = parseTableName(given);
  const result = await writeLake(context, 'vacuum', ({ admin }) => admin.vacuum(name, options));
  const verb = result.dryRun ? 'would be deleted' : 'deleted';
  say(context, result, `${name}: ${result.files.length} files (${formatSize(result.bytes)}) ${verb}.`);
  if (result.dryRun && !context.json) for (const file of result.files) context.terminal.data(file);
  return exitCodes.ok;
}

export async function restoreTable(
  context: CommandContext,
  given: string,
  options: RestoreOptions,
): Promise<ExitCode> {
  const name = parseTableName(given);
  if ((options.version === undefined) === (options.timestamp === undefined)) {
    throw usageError(
      'A restore needs either a version or a timestamp.',
      'Give --version N or --timestamp "2026-01-31T12:00:00Z".',
    );
  }
  const result = await writeLake(context, 'restore', ({ admin }) => admin.restore(name, options));
  const { version, restoredTo, rowsBefore, rowsAfter, toReadAgain } = result;
  const again =
    toReadAgain > 0 ? ` Ingest reads ${formatCount(toReadAgain)} records from the log again.` : '';
  say(
    context,
    result,
    `${name}: restored to version ${restoredTo} as version ${version}; ${formatCount(rowsBefore)} rows became ${formatCount(rowsAfter)}.${again}`,
  );
  return exitCodes.ok;
}

function say({ terminal, json }: CommandContext, result: unknown, sentence: string): void {
  if (json) terminal.json(result);
  else terminal.data(sentence);
}

/** @throws CliError `cli-not-found` */
export function parseTableName(given: string): TableName {
  const known = tableNames.find((name) => name === given);
  if (known !== undefined) return known;
  throw new CliError({
    code: 'cli-not-found',
    message: `There is no table ${given}.`,
    hint: `The tables are ${tableNames.join(', ')}.`,
  });
}

function noSuchTable(name: string): CliError {
  return new CliError({
    code: 'cli-not-found',
    message: `There is no table ${name}.`,
    hint: `\`clicklake tables\` lists them: ${tableNames.join(', ')} come with the first ingest, those of Gold with the first \`clicklake refresh\`.`,
  });
}
