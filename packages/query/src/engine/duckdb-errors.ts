import { QueryError } from '../query-error.ts';

/** Writes paths of the lake and of the spill directory out of texts that users see. */
export type PathScrubber = (text: string) => string;

/** @param directories absolute; longer ones are replaced first. */
export function openPathScrubber(directories: readonly string[]): PathScrubber {
  const ordered = directories
    .map((directory) => directory.replace(/[/\\]+$/, ''))
    .filter((directory) => directory !== '')
    .sort((a, b) => b.length - a.length);
  return (text) => ordered.reduce((scrubbed, directory) => scrubbed.replaceAll(directory, '<lake>'), text);
}

/** The QueryError for what DuckDB threw while a user's statement was bound or run. */
export function queryErrorFrom(error: unknown, scrub: PathScrubber): QueryError {
  if (error instanceof QueryError) return error;
  const text = scrub(error instanceof Error ? error.message : String(error));
  const kind = /^([A-Z][A-Za-z ]*?) Error:/.exec(text)?.[1];
  if (kind === 'Out of Memory' || text.includes('max_temp_directory_size')) {
    return new QueryError({
      code: 'query-out-of-memory',
      message: `The query needs more memory than it may use: ${firstLine(text)}`,
      hint: 'Select fewer columns or a shorter time range, or aggregate before you sort; the query.memory_limit setting raises the limit.',
      cause: error,
    });
  }
  if (kind === 'Parser' || kind === 'Binder' || kind === 'Catalog' || kind === 'Syntax') {
    return new QueryError({
      code: 'query-syntax',
      message: text,
      hint: 'Correct the statement; SHOW TABLES lists the tables and DESCRIBE <table> its columns.',
      cause: error,
    });
  }
  return new QueryError({
    code: 'query-failed',
    message: text,
    hint:
      kind === 'Conversion'
        ? 'Use TRY_CAST to get NULL where a value does not convert.'
        : 'Correct the expression that the message names.',
    cause: error,
  });
}

/** Behind it DuckDB gives advice about settings that users cannot change. */
function firstLine(text: string): string {
  return text.split('\n')[0] ?? text;
}
