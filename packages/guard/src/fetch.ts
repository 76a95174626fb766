import { type Auth, type Guard, type GuardOptions, guardOf, type Needs } from './guard.ts';
import { answerOf } from './refusal.ts';

/**
 * For whatever answers a standard `Request` with a `Response`, such as the route handlers of Next.js.
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
      let auth: Auth;
      try {
        auth = await guard.authenticate(request.headers.get('authorization'), needs);
      } catch (error) {
        const { body, ...init } = answerOf(error);
        return new Response(body, init);
      }
      return handler(request, auth, ...more);
    };
}
