/**
 * A data file's key and its `path` in the log. Directory names such as `p=a%2Fb` are encoded once as file
 * names, and the whole key once more as a URI in the log: `p=a%252Fb` (delta-protocol, "Paths").
 */

/** Key to `add.path`. Everything that any URI parser treats specially is escaped, the colon included. */
export function encodePath(key: string): string {
  return key
    .split('/')
    .map((segment) => encodeURIComponent(segment).replaceAll('%3D', '=').replaceAll('%2C', ','))
    .join('/');
}

/** `add.path` to key: decoded exactly once. A stray `%` of a careless writer stays what it is. */
export function decodePath(path: string): string {
  if (!path.includes('%')) return path;
  try {
    return decodeURIComponent(path);
  } catch {
    return path.replace(/(?:%[0-9A-Fa-f]{2})+/g, (escapes) => {
      try {
        return decodeURIComponent(escapes);
      } catch {
        return escapes;
      }
    });
  }
}

/** What Hive, Spark and DuckDB call the directory of null. */
export const nullDirectory = '__HIVE_DEFAULT_PARTITION__';

/** `event_date=2026-01-31/country=a%2Fb/`; empty for an unpartitioned table. */
export function partitionDirectory(
  partitionColumns: readonly string[],
  values: Readonly<Record<string, string | null>>,
): string {
  return partitionColumns
    .map((name) => {
      const value = values[name] ?? null;
      return `${escapeName(name)}=${value === null ? nullDirectory : escapeName(value)}/`;
    })
    .join('');
}

/** ASCII only: file systems disagree about Unicode normal forms and about which characters they take. */
export function escapeName(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replace(
    /[!'()*~]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/**
 * The partition values that a key's directories spell, when they are exactly the table's partition columns in
 * their order; undefined otherwise, and for other writers' escapes that do not decode.
 */
export function partitionValuesFromPath(
  partitionColumns: readonly string[],
  key: string,
): Readonly<Record<string, string | null>> | undefined {
  const directories = key.split('/').slice(0, -1);
  if (directories.length !== partitionColumns.length) return undefined;
  const values: Record<string, string | null> = {};
  for (const [index, name] of partitionColumns.entries()) {
    const directory = directories[index] ?? '';
    const prefix = `${escapeName(name)}=`;
    if (!directory.startsWith(prefix)) return undefined;
    const text = directory.slice(prefix.length);
    try {
      values[name] = text === nullDirectory ? null : decodeURIComponent(text);
    } catch {
      return undefined;
    }
  }
  return values;
}

/** A path that leaves the table's root: an absolute path or URL, as shallow clones have. */
export function isForeignPath(path: string): boolean {
  return path.startsWith('/') || /^[A-Za-z][A-Za-z0-9+.-]*:\//.test(path) || path.split('/').includes('..');
}
