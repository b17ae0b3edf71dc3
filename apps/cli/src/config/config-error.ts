import { ClicklakeError } from '@clicklake/errors';

/**
 * - `config-invalid`: a setting that does not exist, or a value it does not take; `details.key` names it. Or a
 *   configuration file that cannot be read.
 */
export class ConfigError extends ClicklakeError<'config-invalid'> {}
