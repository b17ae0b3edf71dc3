/**
 * What Node 24 is started with for a command: flags of V8, and variables that its environment is to have. What the
 * given environment (this process's by default) says already stays as it is.
 */
export function launchOptions(
  args: readonly string[],
  given?: Readonly<Record<string, string | undefined>>,
): {
  readonly flags: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
};
