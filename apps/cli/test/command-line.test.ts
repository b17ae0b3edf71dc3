import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openShell, type Shell } from './support/fake-effects.ts';

let shell: Shell;
/** For commands that fail half-way. */
let elsewhere: Shell;

beforeAll(async () => {
  [shell, elsewhere] = await Promise.all([openShell(), openShell()]);
});

afterAll(() => Promise.all([shell.close(), elsewhere.close()]));

describe('the command line', () => {
  it('shows its commands, with examples and exit codes', async () => {
    const { code, stdout, stderr } = await shell.run('--help');
    expect(code).toBe(0);
    expect(stderr).toBe('');
    for (const word of ['up', 'produce', 'ledger', 'Examples:', 'Exit codes:'])
      expect(stdout).toContain(word);
  });

  it('shows global options with each command', async () => {
    const { stdout } = await shell.run('table', 'restore', '--help');
    expect(stdout).toContain('--discard');
    expect(stdout).toContain('--home');
  });

  it('tells its version', async () => {
    expect(await shell.run('--version')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) as string,
    });
  });

  it.each([
    [['bogus'], 'unknown command'],
    [['ledgr'], 'ledger'],
    [['produce'], '--events'],
    [['produce', '--events', 'many'], 'whole number'],
    [['produce', '--events', '1', '--late', '2'], '0 to 1'],
    [['produce', '--events', '1', '--days', '2'], '--back-fill'],
    [['produce', '--events', '1', '--rate', '5', '--back-fill'], 'exclude'],
    [['sql', 'SELECT 1', '--csv', '--json'], 'exclude'],
    [['config', '--set', 'server.prot=1'], 'server.port'],
    [['config', '--set', 'nonsense'], 'key=value'],
    [['config', '--config', 'absent.toml'], 'absent.toml'],
    [['up', '--port', 'x'], 'server.port'],
    [['up', '--host', '0.0.0.0'], '--allow-non-loopback'],
    [['table', 'restore', 'silver'], '--version'],
    [['trace'], 'event_id'],
    [['trace', ''], '1 to 128 bytes'],
    [['trace', 'x'.repeat(129)], '1 to 128 bytes'],
  ])('answers %j with exit code 2 and a word of help', async (argv, word) => {
    const { code, stderr, stdout } = await elsewhere.run(...argv);
    expect(stderr).toContain(word);
    expect(code).toBe(2);
    expect(stdout).toBe('');
  });
});

describe('config', () => {
  it('shows each value with its source', async () => {
    await writeFile(join(shell.directory, 'clicklake.toml'), '[simulator]\nrate = 7\n');
    const { stdout } = await shell.run('config', '--json', '--set', 'query.max_rows=5');
    expect(JSON.parse(stdout)).toMatchObject({
      settings: {
        'simulator.rate': { value: 7, source: 'file' },
        'server.port': { value: 0, source: 'env', env: 'CLICKLAKE_PORT' },
        'query.max_rows': { value: 5, source: 'flag' },
        'simulator.seed': { source: 'default' },
      },
    });
    expect((await shell.run('config')).stdout).toMatch(/simulator\.rate +7 +file/);
  });

  it('warns of a variable that means nothing', async () => {
    const { stderr } = await shell.runWith({ env: { CLICKLAKE_PROT: '1' } }, 'config');
    expect(stderr).toContain('CLICKLAKE_PROT');
  });
});

describe('what goes to a terminal', () => {
  it('is coloured there, and nowhere else, and never with NO_COLOR', async () => {
    const escape = '\u001b[';
    expect((await shell.runWith({ tty: true }, 'status')).stdout).toContain(escape);
    expect((await shell.runWith({ tty: true, env: { NO_COLOR: '1' } }, 'status')).stdout).not.toContain(
      escape,
    );
    expect((await shell.run('status')).stdout).not.toContain(escape);
  });

  it('has the stack of an error only with --debug', async () => {
    expect((await shell.run('sql', 'SELECT 1')).stderr).not.toContain('    at ');
    expect((await shell.run('sql', 'SELECT 1', '--debug')).stderr).toContain('    at ');
  });

  it('says how to report what nobody foresaw, and how to mend a home that cannot be used', async () => {
    await writeFile(join(shell.directory, 'a-file'), '');
    const { code, stderr } = await shell.run('keys', '--home', join(shell.directory, 'a-file/below'));
    expect(code).not.toBe(0);
    expect(stderr).toContain('error');
  });
});
