import type { IncomingMessage } from 'node:http';
import { noteCaller } from './callers.ts';
import { errorResponse } from './error.ts';
import { type Guard, type GuardOptions, guardOf, type Needs } from './guard.ts';
import { authenticateNode, isPreflightOf } from './node.ts';

export { authOf } from './callers.ts';

/** The part of Fastify's reply that is used. */
interface Reply {
  code(status: number): unknown;
  headers(headers: Record<string, string>): unknown;
  send(body?: string): unknown;
}

/**
 * A hook for Fastify (`onRequest`, before the body is read): accepts requests with a valid access token and responds to
 * all others with 401 or 403 (RFC 6750), or 503. `authOf(request)` then returns who sent the request. A CORS preflight
 * gets 204 without running a route; register `@fastify/cors` before the guard, so that the preflight gets its headers.
 *
 * @example
 * app.addHook('onRequest', tokenRequired({ issuer: 'http://localhost:4000' }));
 * app.get('/api/hello', async (request) => ({ hello: authOf(request).userId }));
 */
export function tokenRequired(given: Guard | GuardOptions, needs?: Needs) {
  const guard = guardOf(given);
  return async (request: { raw: IncomingMessage }, reply: Reply): Promise<unknown> => {
    // An async hook that has sent the response returns the reply, so that no later hook runs.
    if (isPreflightOf(request.raw)) {
      reply.code(204);
      reply.send();
      return reply;
    }
    try {
      noteCaller(request, await authenticateNode(guard, request.raw, needs));
      return undefined;
    } catch (error) {
      const { status, headers, body } = errorResponse(error);
      reply.code(status);
      reply.headers(headers);
      reply.send(body);
      return reply;
    }
  };
}
