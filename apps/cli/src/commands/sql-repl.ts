import { chmod, readFile, writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { CommandContext } from '../context.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { readLake, type LakeAccess } from '../lake/with-lake.ts';
import { reportError } from '../report-error.ts';
import { printAnswer, sayUncommitted, type SqlFormat } from './sql.ts';

const historySize = 1_000;

/**
 * Statements from the keyboard, each ended by `;`. `\q` or Ctrl-D ends; Ctrl-C gives up the statement that is being
 * typed, or cancels the one that runs.
 */
export async function sqlRepl(context: CommandContext, format: SqlFormat, debug: boolean): Promise<ExitCode> {
  return readLake(context, async (access) => {
    await sayUncommitted(context, access);
    const { terminal } = context;
    terminal.talk(
      terminal.talkStyle.dim('Tables: silver, dead_letters, duplicates. End a statement with ;  \\q quits.'),
    );
    await loop(context, access, format, debug);
    return exitCodes.ok;
  });
}

const prompt = 'clicklake> ';
const continuation = '       ... ';

async function loop(
  context: CommandContext,
  { admin }: LakeAccess,
  format: SqlFormat,
  debug: boolean,
): Promise<void> {
  const { effects, terminal, paths, json } = context;
  const lines = createInterface({
    input: effects.stdin,
    output: effects.stderr,
    terminal: effects.stdin.isTTY === true,
    history: await readHistory(paths.sqlHistory),
    historySize,
    removeHistoryDuplicates: true,
    prompt,
  });
  let running: AbortController | undefined;
  let pending = '';
  const history: string[] = [];

  lines.on('SIGINT', () => {
    if (running !== undefined) running.abort();
    else if (pending === '' && lines.line === '') lines.close();
    else {
      pending = '';
      effects.stderr.write('\n');
      showPrompt(prompt);
    }
  });

  // Ctrl-D may come before the lines that were typed ahead of it are through.
  let closed = false;
  lines.once('close', () => (closed = true));
  const showPrompt = (text: string): void => {
    if (closed) return;
    lines.setPrompt(text);
    lines.prompt();
  };

  showPrompt(prompt);
  for await (const line of lines) {
    if (pending === '' && isQuit(line)) break;
    pending = pending === '' ? line : `${pending}\n${line}`;
    if (isComplete(pending)) {
      const statement = pending.trim();
      pending = '';
      history.push(statement.replaceAll('\n', ' '));
      running = new AbortController();
      try {
        printAnswer(context, await admin.sql(statement, { signal: running.signal }), format);
      } catch (error) {
        if (running.signal.aborted) terminal.talk('Cancelled.');
        else reportError(error, terminal, effects, { json, debug });
      }
      running = undefined;
    }
    if (pending.trim() === '') pending = '';
    showPrompt(pending === '' ? prompt : continuation);
  }
  lines.close();
  await appendHistory(paths.sqlHistory, history);
}

function isQuit(line: string): boolean {
  return /^\s*(\\q|exit|quit)\s*;?\s*$/i.test(line);
}

/** Whether a statement ends here: a `;` at the end that stands in no quotes and no comment. */
export function isComplete(statement: string): boolean {
  const bare = statement.replace(/'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*[\s\S]*?\*\//g, ' ');
  return /;\s*$/.test(bare) && !/['"]|\/\*/.test(bare);
}

/** Newest first, as readline wants it. */
async function readHistory(path: string): Promise<string[]> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .reverse();
}

/** Statements may name people: only their author may read them. */
async function appendHistory(path: string, statements: readonly string[]): Promise<void> {
  if (statements.length === 0) return;
  const known = (await readHistory(path)).reverse();
  const kept = [...known, ...statements].slice(-historySize);
  await writeFile(path, `${kept.join('\n')}\n`, { mode: 0o600 });
  await chmod(path, 0o600);
}
