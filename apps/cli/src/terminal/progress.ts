import cliProgress from 'cli-progress';
import type { OutputStream } from '../effects.ts';
import type { Terminal } from './terminal.ts';

/** What takes longer than this shows a bar. */
const showAfterMs = 2_000;

export interface Progress {
  /** Items done so far; the total may grow. */
  update(done: number, total?: number): void;
  /** Clears the bar. Idempotent. */
  stop(): void;
}

/** A bar on stderr for work that takes more than two seconds; silent when nobody looks at a terminal. */
export function createProgress(
  terminal: Terminal,
  stream: OutputStream,
  label: string,
  total: number,
): Progress {
  if (!terminal.interactive) return { update: () => undefined, stop: () => undefined };
  const startedAt = performance.now();
  let bar: cliProgress.SingleBar | undefined;
  let whole = total;
  return {
    update(done, newTotal) {
      whole = newTotal ?? whole;
      if (bar === undefined) {
        if (performance.now() - startedAt < showAfterMs) return;
        bar = new cliProgress.SingleBar(
          {
            stream,
            format: `${label} [{bar}] {percentage}%  {value}/{total}  {eta_formatted} left`,
            clearOnComplete: true,
            hideCursor: true,
          },
          cliProgress.Presets.shades_classic,
        );
        bar.start(whole, done);
      }
      bar.setTotal(whole);
      bar.update(Math.min(done, whole));
    },
    stop() {
      bar?.stop();
      bar = undefined;
    },
  };
}
