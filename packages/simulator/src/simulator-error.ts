import { ClicklakeError } from '@clicklake/errors';

/**
 * - `simulator-setting-invalid`: a setting is outside its bounds, or two contradict each other.
 * - `simulator-truth-unreadable`: a truth file has a line that is not one of ours, or has no summary.
 * - `simulator-delivery-refused`: the collector answered that it will never take the request (401, 403, 404,
 *   413, 415, …). The records of the request are not in the log.
 * - `simulator-answer-invalid`: the collector's answer does not match the request: another number of results,
 *   or no JSON. Whether its records are in the log is unknown.
 * - `simulator-aborted`: the run was stopped while records were under way; they may or may not be in the log.
 */
export type SimulatorErrorCode =
  | 'simulator-setting-invalid'
  | 'simulator-truth-unreadable'
  | 'simulator-delivery-refused'
  | 'simulator-answer-invalid'
  | 'simulator-aborted';

export class SimulatorError extends ClicklakeError<SimulatorErrorCode> {}
