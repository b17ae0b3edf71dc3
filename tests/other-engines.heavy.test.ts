import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { codeBlocks } from './support/markdown.ts';
import { openReaderSession, type ReaderSession } from './support/reader-session.ts';
import { read } from './support/repository.ts';

const python = process.env.PYTHON ?? 'python3';

let session: ReaderSession;
beforeAll(async () => {
  session = await openReaderSession();
});
afterAll(() => session.close());

async function runPython(code: string): Promise<string> {
  const child = spawn(python, ['-c', code], { cwd: session.directory, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
  expect(await once(child, 'close')).toEqual([0, null]);
  return output.trim();
}

test('Python reads what this README says it reads', async () => {
  const produce = 'npx clicklake produce --events 1000 --duplicates 0 --malformed 0 --back-fill --days 2';
  for (const commands of [produce, 'npx clicklake ingest --until-caught-up'])
    await session.follow({ line: 0, commands, output: null });
  const [block] = codeBlocks(read('README.md')).filter(({ language }) => language === 'python');
  expect(await runPython(block?.text ?? '')).toMatch(/^\d+ 1000$/);
});
