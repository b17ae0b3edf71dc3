import type { Config } from './config/settings.ts';
import type { ResolvedConfig } from './config/resolve-config.ts';
import type { ConfigFile } from './config/config-file.ts';
import type { Effects } from './effects.ts';
import type { HomePaths } from './lake/home.ts';
import type { Terminal } from './terminal/terminal.ts';

/** What every command is given besides its own arguments. */
export interface CommandContext {
  readonly effects: Effects;
  readonly terminal: Terminal;
  readonly config: Config;
  readonly resolved: ResolvedConfig;
  readonly configFile: ConfigFile;
  readonly paths: HomePaths;
  /** Whether data is wanted as JSON. */
  readonly json: boolean;
}
