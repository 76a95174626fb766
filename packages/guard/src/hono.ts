import { errorResponse } from './error.ts';
import { type Auth, type Guard, type GuardOptions, guardOf, type Needs } from './guard.ts';
import { isPreflight, REQUEST_METHOD } from './preflight.ts';

/** The variables that a guarded route finds in `c.var`. */
export interface AuthVariables {
  auth: Auth;
}

/** The part of Hono's context that is used. */
interface Context {
  req: { method: string; header(name: string): string | undefined };
  set(name: 'auth', value: Auth): void;
}

/**
 * Middleware for Hono: accepts requests with a valid access token and responds to all others with 401 or 403 (RFC
 * 6750), or 503. A CORS preflight gets 204 without running a route; mount `cors()` before the guard, so that the
 * preflight gets its headers.
 *
 * @example
 * const app = new Hono<{ Variables: AuthVariables }>();
 * app.use('/api/*', tokenRequired({ issuer: 'http://localhost:4000' }));
 * app.get('/api/hello', (c) => c.json({ hello: c.var.auth.userId }));
 */
export function tokenRequired(given: Guard | GuardOptions, needs?: Needs) {
  const guard = guardOf(given);
  return async (c: Context, next: () => Promise<void>): Promise<Response | undefined> => {
    if (isPreflight(c.req.method, c.req.header(REQUEST_METHOD))) return new Response(null, { status: 204 });
    try {
      c.set('auth', await guard.authenticate(c.req.header('authorization'), needs));
    } catch (error) {
      const { body, ...init } = errorResponse(error);
      return new Response(body, init);
    }
    await next();
    return undefined;
  };
}
