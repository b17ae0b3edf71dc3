import { stripVTControlCharacters } from 'node:util';

/**
 * The documented lines that did not appear, in their order. What differs from run to run is not compared: numbers,
 * times, sizes and the width of columns; "…" in a documented line stands for anything.
 */
export function missingLines(documented: string, actual: string): readonly string[] {
  const lines = actual.split('\n').map(stableParts);
  let from = 0;
  return documented.split('\n').filter((line) => {
    const wanted = stableParts(line);
    if (wanted === '' || wanted === '…') return false;
    const pattern = new RegExp(`^${wanted.split(/ ?… ?/).map(escapeForPattern).join('.*')}$`);
    const found = lines.findIndex((candidate, index) => index >= from && pattern.test(candidate));
    if (found === -1) return true;
    from = found + 1;
    return false;
  });
}

function stableParts(line: string): string {
  return stripVTControlCharacters(line)
    .replace(/\d{4}-\d\d-\d\d(T[\d:.]+Z)?/g, '#')
    .replace(/\d[\d,.]*/g, '#')
    .replace(/#[KMG]?B\b/g, '#B')
    .replace(/# m?s\b/g, '# s')
    .replace(/─+/g, '─')
    .replace(/\s+/g, ' ')
    .trim();
}

function escapeForPattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
