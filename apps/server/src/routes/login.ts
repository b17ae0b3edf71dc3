import { Type } from 'typebox';
import { ApiError } from '../api-error.ts';
import type { RouteServices } from './route-services.ts';

const loginQuery = Type.Object({ code: Type.String({ maxLength: 100 }) }, { additionalProperties: false });

/**
 * The browser's way in (S6.5): whoever has the API token asks for a link; the link trades its code for a cookie.
 */
export function registerLoginRoutes({
  app,
  settings: { credentials },
  cookieName,
  locked,
}: RouteServices): void {
  app.post('/api/login-links', () => {
    const { code, expiresAt } = credentials.createLoginCode();
    return { path: `/login?code=${code}`, expiresAt: new Date(expiresAt).toISOString() };
  });

  app.get('/login', { config: { access: 'none' }, schema: { querystring: loginQuery } }, (request, reply) => {
    const session = credentials.redeem(request.query.code);
    if (session === undefined) {
      if (request.headers.accept?.includes('text/html') === true) return locked.send(reply, 401);
      throw new ApiError({
        code: 'link-invalid',
        message: 'This login link was used already, or has expired.',
        hint: 'Run `npx clicklake open` for a fresh one.',
      });
    }
    void reply.setCookie(cookieName(request.socket.localPort), session.cookie, {
      httpOnly: true,
      sameSite: 'strict',
      path: '/',
      maxAge: session.maxAgeSeconds,
    });
    // Not a redirect: a browser that followed the link from another site's page would withhold the strict cookie.
    return reply.type('text/html; charset=utf-8').send(continuePage);
  });
}

const continuePage =
  '<!doctype html><html lang="en"><meta charset="utf-8"><title>clicklake</title>' +
  '<link rel="icon" href="/favicon.svg" type="image/svg+xml">' +
  '<meta http-equiv="refresh" content="0; url=/"><p>Logged in. <a href="/">Continue to the console</a></p></html>';
