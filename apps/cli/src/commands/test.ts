import type { TestReport, TestResult } from '@clicklake/pipeline';
import { escapeControls } from '@clicklake/query';
import type { CommandContext } from '../context.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { writeLake } from '../lake/with-lake.ts';
import { alignColumns, formatCount } from '../terminal/columns.ts';
import { createProgress } from '../terminal/progress.ts';

/** Runs data tests, through the owner or as the owner for this command (S6.3); exit code 1 when one fails. */
export async function testGold(context: CommandContext, names: readonly string[]): Promise<ExitCode> {
  const { terminal, json, effects } = context;
  const progress = createProgress(terminal, effects.stderr, 'Testing', 0);
  const onProgress = ({ done, total }: { readonly done: number; readonly total: number }): void =>
    progress.update(done, total);
  const report = await writeLake(context, 'test', ({ admin }) =>
    admin.test({ names }, { onProgress }),
  ).finally(() => progress.stop());
  if (json) terminal.json(report);
  else print(context, report);
  return report.passed ? exitCodes.ok : exitCodes.checkFailed;
}

function print({ terminal }: CommandContext, { tests, silverVersion, gold, goldAgrees }: TestReport): void {
  const { green, red, yellow } = terminal.style;
  const rows = tests.map(({ verdict, test, failures, durationMs }) => [
    verdict,
    test,
    failures === null ? '' : formatCount(failures),
    durationMs,
  ]);
  const paint = { pass: green, warn: yellow, fail: red, error: red } as const;
  const [header = '', ...lines] = alignColumns(['verdict', 'test', 'failing rows', 'ms'], rows);
  terminal.data(header);
  lines.forEach((line, index) => {
    const { verdict = 'pass', message = null } = tests[index] ?? {};
    terminal.data(line.replace(verdict, paint[verdict](verdict)));
    // It may quote a value of an event.
    if (message !== null) terminal.data(`         ${escapeControls(message.split('\n')[0] ?? '')}`);
  });
  const failing = tests.filter(({ verdict }) => verdict !== 'pass');
  const paintSum = failing.length === 0 ? green : failing.some(isFailure) ? red : yellow;
  terminal.data(paintSum(`${describeCounts(tests)} on version ${silverVersion} of Silver.`));
  if (!goldAgrees) {
    const versions = gold.map(
      ({ table, silverVersion: version }) => `${table} ${version ?? 'an earlier one'}`,
    );
    terminal.data(
      yellow(
        `The tables stand for different versions of Silver: ${versions.join(', ')}. A refresh was not finished, or not of all: \`clicklake refresh\` brings them together.`,
      ),
    );
  }
  if (failing.length > 0)
    terminal.talk(
      `What they found: npx clicklake sql "SELECT test, failing_row FROM test_failures WHERE test = '${failing[0]?.test ?? ''}'"`,
    );
}

function isFailure({ verdict }: TestResult): boolean {
  return verdict === 'fail' || verdict === 'error';
}

/** `3 passed, 1 failed`. */
function describeCounts(tests: readonly TestResult[]): string {
  const words = {
    pass: 'passed',
    warn: 'warned',
    fail: 'failed',
    error: 'could not be carried out',
  } as const;
  return Object.entries(words)
    .map(([verdict, word]) => [tests.filter((test) => test.verdict === verdict).length, word] as const)
    .filter(([count, word]) => count > 0 || word === 'passed')
    .map(([count, word]) => `${count} ${word}`)
    .join(', ');
}
