const durationUnits: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  min: 60_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
const sizeUnits: Readonly<Record<string, number>> = {
  b: 1,
  kb: 2 ** 10,
  mb: 2 ** 20,
  gb: 2 ** 30,
  tb: 2 ** 40,
};

/** `250ms`, `10s`, `5min`, `12h`, `7d` → milliseconds; undefined when it is no duration. */
export function parseDuration(text: string): number | undefined {
  return parseQuantity(text, durationUnits);
}

/** `64KB`, `128MB`, `2GB` (powers of 1024) → bytes; undefined when it is no size. */
export function parseSize(text: string): number | undefined {
  return parseQuantity(text, sizeUnits);
}

function parseQuantity(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)\s*([a-z]+)$/i.exec(text.trim()) ?? [];
  const factor = units[unit?.toLowerCase() ?? ''];
  if (amount === undefined || factor === undefined) return undefined;
  return Math.round(Number(amount) * factor);
}

/** Milliseconds in the largest unit that keeps them whole. */
export function formatDuration(ms: number): string {
  for (const unit of ['d', 'h', 'min', 's']) {
    const factor = durationUnits[unit] ?? 1;
    if (ms >= factor && ms % factor === 0) return `${ms / factor}${unit}`;
  }
  return `${ms}ms`;
}

/** Bytes in a unit that reads well: one decimal at most. */
export function formatSize(bytes: number): string {
  for (const unit of ['TB', 'GB', 'MB', 'KB']) {
    const factor = sizeUnits[unit.toLowerCase()] ?? 1;
    if (bytes >= factor) return `${Number((bytes / factor).toFixed(1))}${unit}`;
  }
  return `${bytes}B`;
}
