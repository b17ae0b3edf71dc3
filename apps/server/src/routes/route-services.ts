import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify';
import type { ServerSettings } from '../server-options.ts';
import type { LockedPage } from './locked-page.ts';

/** What every route file is given. */
export interface RouteServices {
  readonly app: FastifyInstance<
    RawServerDefault,
    RawRequestDefaultExpression,
    RawReplyDefaultExpression,
    FastifyBaseLogger,
    TypeBoxTypeProvider
  >;
  readonly settings: ServerSettings;
  /** Aborts when the server stops: streams end then. */
  readonly end: AbortSignal;
  readonly locked: LockedPage;
  readonly cookieName: (localPort: number | undefined) => string;
}
