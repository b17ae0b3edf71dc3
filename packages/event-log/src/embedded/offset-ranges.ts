import type { OffsetRange } from '../event-log.ts';

/** The union of ranges: ascending, touching ones joined, empty ones left out. */
export function unionOf(ranges: readonly OffsetRange[]): OffsetRange[] {
  const sorted = ranges.filter(({ from, to }) => from < to).toSorted((a, b) => (a.from < b.from ? -1 : 1));
  const joined: OffsetRange[] = [];
  for (const range of sorted) {
    const last = joined.at(-1);
    if (last === undefined || last.to < range.from) joined.push(range);
    else if (range.to > last.to) joined[joined.length - 1] = { from: last.from, to: range.to };
  }
  return joined;
}

/** What of `range` lies in none of `removed` (a union: ascending and disjoint). */
export function without(range: OffsetRange, removed: readonly OffsetRange[]): OffsetRange[] {
  const rest: OffsetRange[] = [];
  let from = range.from;
  for (const hole of removed) {
    if (hole.to <= from || hole.from >= range.to) continue;
    if (hole.from > from) rest.push({ from, to: hole.from });
    from = hole.to;
  }
  if (from < range.to) rest.push({ from, to: range.to });
  return rest;
}
