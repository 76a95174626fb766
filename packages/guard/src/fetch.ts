import { errorResponse } from './error.ts';
import { type Auth, type Guard, type GuardOptions, guardOf, type Needs } from './guard.ts';
import { isPreflight, REQUEST_METHOD } from './preflight.ts';

/**
 * For handlers from a standard `Request` to a `Response`, such as the route handlers of Next.js. A CORS preflight gets
 * 204 without CORS headers; add those in a wrapper around the handler.
 *
 * @example
 * const guarded = tokenRequired({ issuer: 'http://localhost:4000' });
 * export const GET = guarded((_request, auth) => Response.json({ hello: auth.userId }));
 */
export function tokenRequired(given: Guard | GuardOptions, needs?: Needs) {
  const guard = guardOf(given);
  return <More extends unknown[]>(
    handler: (request: Request, auth: Auth, ...more: More) => Response | Promise<Response>,
  ) =>
    async (request: Request, ...more: More): Promise<Response> => {
      if (isPreflight(request.method, request.headers.get(REQUEST_METHOD)))
        return new Response(null, { status: 204 });
      let auth: Auth;
      try {
        auth = await guard.authenticate(request.headers.get('authorization'), needs);
      } catch (error) {
        const { body, ...init } = errorResponse(error);
        return new Response(body, init);
      }
      return handler(request, auth, ...more);
    };
}
