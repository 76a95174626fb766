import type { IncomingMessage, ServerResponse } from 'node:http';
import { noteCaller } from './callers.ts';
import { GuardError } from './error.ts';
import { type Guard, type GuardOptions, guardOf, type Needs } from './guard.ts';
import { authenticateNode, isPreflightOf, sendError } from './node.ts';

export { authOf } from './callers.ts';

/**
 * Middleware for Express, and all that is built like it: lets on who has a token of Usher, and answers everybody else
 * with 401 or 403 (RFC 6750). `authOf(request)` then says who calls. A CORS preflight passes without a token: `authOf` throws there.
 *
 * @example
 * app.use('/api', tokenRequired({ issuer: 'http://localhost:4000' }));
 */
export function tokenRequired(given: Guard | GuardOptions, needs?: Needs) {
  const guard = guardOf(given);
  return (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void): void => {
    if (isPreflightOf(request)) {
      next();
      return;
    }
    authenticateNode(guard, request, needs).then(
      (auth) => {
        noteCaller(request, auth);
        next();
      },
      (error) => (error instanceof GuardError ? sendError(response, error) : next(error)),
    );
  };
}
