import { ClicklakeError } from '@clicklake/errors';

/**
 * - `model-project-invalid`: a file of the project is missing, is not YAML, or does not say what it must.
 * - `model-unknown-reference`: a model names a model, source or variable that the project does not have.
 * - `model-cycle`: models depend on each other in a circle.
 * - `model-compile-failed`: the template of a model could not be rendered; the message names file and line.
 */
export type ModelErrorCode =
  'model-project-invalid' | 'model-unknown-reference' | 'model-cycle' | 'model-compile-failed';

export class ModelError extends ClicklakeError<ModelErrorCode> {}
