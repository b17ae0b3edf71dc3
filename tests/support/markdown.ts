/** A fenced code block of a Markdown file. */
export interface CodeBlock {
  /** The line of the opening fence, from 1. */
  readonly line: number;
  /** The first word of the info string, and the rest of it. */
  readonly language: string;
  readonly note: string;
  readonly text: string;
}

export function codeBlocks(markdown: string): readonly CodeBlock[] {
  return [...markdown.matchAll(/^```(\S+)([^\n]*)\n(.*?)^```$/gms)].map((match) => ({
    line: markdown.slice(0, match.index).split('\n').length,
    language: match[1] ?? '',
    note: (match[2] ?? '').trim(),
    text: match[3] ?? '',
  }));
}

/** Commands that a document shows, with the output it promises. */
export interface Step {
  readonly line: number;
  readonly commands: string;
  /** Null when the document shows none. */
  readonly output: string | null;
}

/**
 * The `sh` blocks of a document that are to be run, each with the `text` block that is the next block after it.
 * "sh no-test: why" is left out, and so is what has no reason after the colon: that is an error.
 */
export function runnableSteps(markdown: string): readonly Step[] {
  const blocks = codeBlocks(markdown);
  return blocks.flatMap((block, index) => {
    if (block.language !== 'sh') return [];
    if (/^no-test: \S/.test(block.note)) return [];
    if (block.note !== '') throw new Error(`Line ${block.line}: “${block.note}” is no mark of a sh block.`);
    const next = blocks[index + 1];
    return [{ line: block.line, commands: block.text, output: next?.language === 'text' ? next.text : null }];
  });
}
