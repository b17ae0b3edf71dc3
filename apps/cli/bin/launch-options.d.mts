/** What Node 24 is started with for a command: flags of V8, and variables that its environment is to have by default. */
export function launchOptions(args: readonly string[]): {
  readonly flags: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
};
