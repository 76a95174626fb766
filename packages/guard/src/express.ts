import type { IncomingMessage, ServerResponse } from 'node:http';
import { noteCaller } from './callers.ts';
import { GuardError } from './error.ts';
import { type Guard, type GuardOptions, guardOf, type Needs } from './guard.ts';
import { answerPreflight, authenticateNode, isPreflightOf, sendError } from './node.ts';

export { authOf } from './callers.ts';

/**
 * Middleware for Express and compatible frameworks: accepts requests with a valid access token and responds to all
 * others with 401 or 403 (RFC 6750), or 503. `authOf(request)` then returns who sent the request. A CORS preflight gets
 * 204 without running a route; mount `cors()` before the guard, so that the preflight gets its headers.
 *
 * @example
 * app.use('/api', tokenRequired({ issuer: 'http://localhost:4000' }));
 */
export function tokenRequired(given: Guard | GuardOptions, needs?: Needs) {
  const guard = guardOf(given);
  return (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void): void => {
    if (isPreflightOf(request)) {
      answerPreflight(response);
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
