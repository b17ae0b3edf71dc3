import { spawn } from 'node:child_process';
import process from 'node:process';
import type { Effects } from './effects.ts';

const stopSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** The effects of the real process. */
export function processEffects(): Effects {
  return {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    cwd: process.cwd(),
    now: Date.now,
    openBrowser,
    signals: {
      onStop(listener) {
        for (const signal of stopSignals) process.on(signal, listener);
        return () => {
          for (const signal of stopSignals) process.off(signal, listener);
        };
      },
      exitNow: (code) => process.exit(code),
    },
  };
}

const openers: Readonly<Partial<Record<NodeJS.Platform, readonly [string, ...string[]]>>> = {
  darwin: ['open'],
  win32: ['rundll32', 'url.dll,FileProtocolHandler'],
  linux: ['xdg-open'],
};

/** After so long without an answer the opener has become the browser itself. */
const openerPatienceMs = 1500;

/** Whether one opened: `xdg-open` starts on a machine without a browser, too, and then exits with an error. */
function openBrowser(url: string): Promise<boolean> {
  const [command, ...args] = openers[process.platform] ?? [];
  if (command === undefined) return Promise.resolve(false);
  return new Promise((resolve) => {
    const child = spawn(command, [...args, url], { stdio: 'ignore', detached: true });
    child.once('error', () => resolve(false));
    child.once('spawn', () => {
      child.unref();
      const patience = setTimeout(() => resolve(true), openerPatienceMs);
      child.once('exit', (code) => {
        clearTimeout(patience);
        resolve(code === 0);
      });
    });
  });
}
