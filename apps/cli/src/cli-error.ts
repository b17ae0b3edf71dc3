import { ClicklakeError } from '@clicklake/errors';

/**
 * - `cli-usage`: an argument or option is wrong.
 * - `cli-owned-elsewhere`: another process owns what the command needs and cannot be asked; `details.pid`.
 * - `cli-owner-unreachable`: the owner's API does not answer.
 * - `cli-collector-unreachable`: the collector that would put replays into the log does not answer.
 * - `cli-home-unusable`: CLICKLAKE_HOME cannot be created or written.
 * - `cli-disk-full`: no space is left where CLICKLAKE_HOME lies.
 * - `cli-no-lake`: there is nothing to read yet.
 * - `cli-not-found`: what was named does not exist.
 * - `cli-file-invalid`: a line of a file to be read is not what it should be; `details.line`.
 * - `cli-file-exists`: a file to be written is there already.
 * - `cli-refused`: the user did not agree, or could not be asked.
 */
export type CliErrorCode =
  | 'cli-usage'
  | 'cli-owned-elsewhere'
  | 'cli-owner-unreachable'
  | 'cli-collector-unreachable'
  | 'cli-home-unusable'
  | 'cli-disk-full'
  | 'cli-no-lake'
  | 'cli-not-found'
  | 'cli-file-invalid'
  | 'cli-file-exists'
  | 'cli-refused';

export class CliError extends ClicklakeError<CliErrorCode> {}

export function usageError(message: string, hint: string): CliError {
  return new CliError({ code: 'cli-usage', message, hint });
}
