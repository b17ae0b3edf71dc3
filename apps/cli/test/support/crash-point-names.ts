import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../..', import.meta.url));

/**
 * Every crash point that the source names. One whose name is not written where it is reached would be overlooked,
 * so there may be none. Points of a table of its own under a prefix (`removals-…`) are those of every table again.
 *
 * @throws Error that names the file with such a point.
 */
export function crashPointNames(): ReadonlySet<string> {
  const names = new Set<string>();
  for (const file of globSync(['packages/*/src/**/*.ts', 'apps/*/src/**/*.ts'], { cwd: root })) {
    const text = readFileSync(new URL(file, `file://${root}`), 'utf8');
    for (const [call, name, prefix] of text.matchAll(
      /\.reach\((?:\s*'([^']+)'|\s*`([a-z-]+-)\$\{name\}`)?/g,
    )) {
      if (prefix !== undefined) continue;
      if (name === undefined) throw new Error(`${file}: ${call}… reaches a point without a written name.`);
      names.add(name);
    }
  }
  return names;
}
