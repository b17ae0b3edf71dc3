import type { Command } from 'commander';
import { usageError } from '../cli-error.ts';
import { action, type CommandLine } from './define-command.ts';
import { instant, positiveCount, positiveNumber, share } from './parse-arguments.ts';

interface ProduceFlags {
  readonly events: number;
  readonly seed: string;
  readonly rate?: number;
  readonly backFill?: boolean;
  readonly days?: number;
  readonly until?: number;
  readonly truth?: string;
  readonly late?: number;
  readonly duplicates?: number;
  readonly malformed?: number;
}

/** `produce`: simulated events, now or in the past. */
export function registerProduceCommand(program: Command, line: CommandLine): void {
  const command = program
    .command('produce')
    .description('make simulated events: of this moment through the collector, or of past days into the log')
    .requiredOption('--events <count>', 'how many records', positiveCount)
    .option('--seed <text>', 'who the shoppers are; the same seed brings the same ones back', 'clicklake')
    .option(
      '--rate <number>',
      'events per second (default: as fast as the collector takes them)',
      positiveNumber,
    )
    .option('--back-fill', 'events of past days instead of now')
    .option('--days <number>', 'how many days the back-fill covers (default 30)', positiveNumber)
    .option('--until <time>', 'where the back-fill ends (default: now)', instant)
    .option('--truth <file>', 'write what was made of each kind, one JSON line a record')
    .option('--late <share>', 'share of late events, 0 to 1', share)
    .option('--duplicates <share>', 'share of duplicates, 0 to 1', share)
    .option('--malformed <share>', 'share of malformed records, 0 to 1', share)
    .addHelpText(
      'after',
      `
Examples:
  clicklake produce --events 1000 --rate 50
  clicklake produce --events 1000000 --seed s1 --back-fill --days 90 --truth truth.jsonl`,
    );
  action(command, line, async (context) => {
    const flags = command.opts<ProduceFlags>();
    checkTogether(flags);
    const { produceBackFill, produceLive } = await import('../commands/produce.ts');
    const options = {
      events: flags.events,
      seed: flags.seed,
      truthFile: flags.truth ?? null,
      rates: {
        ...(flags.late !== undefined && { lateRate: flags.late }),
        ...(flags.duplicates !== undefined && { duplicateRate: flags.duplicates }),
        ...(flags.malformed !== undefined && { malformedRate: flags.malformed }),
      },
    };
    if (flags.backFill !== true) return produceLive(context, options, flags.rate ?? null);
    return produceBackFill(context, options, flags.days ?? 30, flags.until ?? line.effects.now());
  });
}

function checkTogether({ backFill, rate, days, until }: ProduceFlags): void {
  if (backFill === true && rate !== undefined) {
    throw usageError(
      '--rate and --back-fill exclude each other.',
      'A back-fill goes as fast as the log takes it.',
    );
  }
  if (backFill !== true && (days !== undefined || until !== undefined)) {
    throw usageError(
      '--days and --until belong to --back-fill.',
      'Add --back-fill to make events of past days.',
    );
  }
}
