import { ClicklakeError } from '@clicklake/errors';

/** What may differ between two lakes' verdicts. */
export interface ContractSettings {
  /** `timestamp` may be at most this many days before `received_at` (S2.3). */
  readonly maxEventAgeDays: number;
  /** A `timestamp` later than `received_at` plus this, in milliseconds, becomes `received_at` (S2.3). */
  readonly maxFutureMs: number;
  /** Bytes of a record's JSON text: of what `prepare` makes, and of what `judge` is given. */
  readonly maxEventBytes: number;
  /** Nesting of objects and arrays, the event itself being 1. */
  readonly maxDepth: number;
}

export const defaultSettings: ContractSettings = {
  maxEventAgeDays: 400,
  maxFutureMs: 60_000,
  maxEventBytes: 262_144,
  maxDepth: 32,
};

/** A setting of the contract is not what it may be. */
export class ContractError extends ClicklakeError<'contract-invalid-setting'> {}

/** Upper bounds: what the SQL predicate's expressions can carry. */
const bounds: Readonly<Record<keyof ContractSettings, { readonly min: number; readonly max: number }>> = {
  maxEventAgeDays: { min: 1, max: 36_500 },
  maxFutureMs: { min: 0, max: 86_400_000 },
  maxEventBytes: { min: 1_024, max: 16_777_216 },
  maxDepth: { min: 2, max: 100 },
};

/**
 * The settings with defaults for what is not given.
 * @throws ContractError `contract-invalid-setting`
 */
export function completeSettings(given: Partial<ContractSettings>): ContractSettings {
  const setting = (name: keyof ContractSettings): number => {
    const value = given[name] ?? defaultSettings[name];
    const { min, max } = bounds[name];
    if (Number.isInteger(value) && value >= min && value <= max) return value;
    throw new ContractError({
      code: 'contract-invalid-setting',
      message: `The contract's ${name} is ${value}.`,
      hint: `Set it to a whole number from ${min} to ${max}.`,
    });
  };
  return {
    maxEventAgeDays: setting('maxEventAgeDays'),
    maxFutureMs: setting('maxFutureMs'),
    maxEventBytes: setting('maxEventBytes'),
    maxDepth: setting('maxDepth'),
  };
}
