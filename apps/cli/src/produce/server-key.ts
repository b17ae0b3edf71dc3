import type { WriteKey } from '@clicklake/collector';
import { CliError } from '../cli-error.ts';

/** A write key that works outside browsers. @throws CliError `cli-not-found` */
export function serverKeyOf(keys: readonly WriteKey[]): string {
  const found = keys.find(({ kind }) => kind === 'server');
  if (found !== undefined) return found.key;
  throw new CliError({
    code: 'cli-not-found',
    message: 'There is no write key of the kind "server".',
    hint: 'Make one: clicklake keys create --name simulator --kind server',
  });
}
