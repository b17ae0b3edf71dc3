import type { Command } from 'commander';
import { action, type CommandLine } from './define-command.ts';

/** `test`. */
export function registerTestCommand(program: Command, line: CommandLine): void {
  const test = program
    .command('test')
    .argument('[names...]', 'tests, or models for all tests that look at them; all tests when left out')
    .description('run the data tests of the models; what they find is in the table test_failures');
  action(test, line, async (context, names) =>
    (await import('../commands/test.ts')).testGold(context, names),
  );
}
