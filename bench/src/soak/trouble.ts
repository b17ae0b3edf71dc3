import { integerBelow, seededRandom } from '@clicklake/durable-files/testing';
import type { MortalProduct } from './mortal-product.ts';
import { pause } from './pause.ts';

/** Kills the product at random moments until the signal fires; the number of kills. */
export async function killAtRandom(
  product: MortalProduct,
  {
    seed,
    between: [shortest, longest],
  }: { readonly seed: number; readonly between: readonly [number, number] },
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<number> {
  const random = seededRandom(seed);
  for (let kills = 0; ; kills += 1) {
    await pause(1000 * shortest + integerBelow(random, 1000 * (longest - shortest)), signal);
    if (signal.aborted) return kills;
    const downAt = performance.now();
    await product.killAndRestart();
    say(`kill ${kills + 1}: ready again after ${((performance.now() - downAt) / 1000).toFixed(1)} s`);
  }
}

/** What one command of the upkeep came to. */
export interface UpkeepRun {
  readonly args: readonly string[];
  readonly code: number;
  readonly output: string;
  /** The product was killed while it ran: it may fail. */
  readonly interrupted: boolean;
}

/** Beside what the product does by itself: rewrites, clean-up and retention are asked for, in turn. */
const upkeepCommands: readonly (readonly string[])[] = [
  ['table', 'optimize', 'silver'],
  ['table', 'vacuum', 'silver'],
  ['jobs', 'run', 'maintenance'],
  ['jobs', 'run', 'retention'],
  ['refresh'],
  ['table', 'optimize', 'dead_letters'],
];

export async function keepUp(
  product: MortalProduct,
  everyMs: number,
  signal: AbortSignal,
): Promise<readonly UpkeepRun[]> {
  const runs: UpkeepRun[] = [];
  for (let turn = 0; !signal.aborted; turn += 1) {
    const args = upkeepCommands[turn % upkeepCommands.length] ?? [];
    const before = product.kills;
    const wasDown = product.readyAt === null;
    const { code, output } = await product.command([...args, '--json']);
    runs.push({ args, code, output, interrupted: wasDown || product.kills !== before });
    await pause(everyMs, signal);
  }
  return runs;
}
