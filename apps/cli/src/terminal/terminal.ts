import type { Effects } from '../effects.ts';
import { createStyle, type Style } from './style.ts';

/** The only way to the user's terminal: data on stdout, talk on stderr. */
export interface Terminal {
  /** A line of what the command was asked for. */
  data(line: string): void;
  /** Data that brings its own line ends. */
  raw(text: string): void;
  /** A value as one line of JSON. */
  json(value: unknown): void;
  /** A line for the person; nothing with --quiet. */
  talk(line: string): void;
  /** As `talk`, but even with --quiet. */
  warn(line: string): void;
  /** For data. */
  readonly style: Style;
  /** For talk. */
  readonly talkStyle: Style;
  /** Columns of stdout. */
  readonly width: number;
  /** Whether a person looks at stderr, so that a line may be redrawn. */
  readonly interactive: boolean;
  readonly quiet: boolean;
}

export function createTerminal(effects: Effects, options: { readonly quiet: boolean }): Terminal {
  const { stdout, stderr, env } = effects;
  const colour = env.NO_COLOR === undefined || env.NO_COLOR === '';
  const talkStyle = createStyle(colour && stderr.isTTY === true);
  return {
    data: (line) => void stdout.write(`${line}\n`),
    raw: (text) => void stdout.write(text),
    json: (value) => void stdout.write(`${JSON.stringify(value, jsonInteger)}\n`),
    talk(line) {
      if (!options.quiet) stderr.write(`${line}\n`);
    },
    warn: (line) => void stderr.write(`${talkStyle.yellow('warning')} ${line}\n`),
    style: createStyle(colour && stdout.isTTY === true),
    talkStyle,
    width: stdout.columns ?? 100,
    interactive: stderr.isTTY === true && !options.quiet,
    quiet: options.quiet,
  };
}

/** 64-bit integers become numbers while they are exact, else text. */
function jsonInteger(_key: string, value: unknown): unknown {
  if (typeof value !== 'bigint') return value;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value.toString();
}
