import type { IncomingMessage, ServerResponse } from 'node:http';
import { errorResponse, GuardError } from './error.ts';
import { type Auth, type Guard, type GuardOptions, guardOf, type Needs } from './guard.ts';
import { isPreflight, REQUEST_METHOD } from './preflight.ts';

/**
 * For plain `node:http`. A CORS preflight gets 204; set the CORS headers on the response beforehand.
 *
 * @example
 * const guarded = tokenRequired({ issuer: 'http://localhost:4000' });
 * const server = createServer(
 *   guarded((_request, response, auth) => response.end(JSON.stringify({ hello: auth.userId }))),
 * );
 */
export function tokenRequired(given: Guard | GuardOptions, needs?: Needs) {
  const guard = guardOf(given);
  return (handler: (request: IncomingMessage, response: ServerResponse, auth: Auth) => unknown) =>
    async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
      if (isPreflightOf(request)) {
        answerPreflight(response);
        return;
      }
      let auth: Auth;
      try {
        auth = await authenticateNode(guard, request, needs);
      } catch (error) {
        sendError(response, error);
        return;
      }
      await handler(request, response, auth);
    };
}

export const isPreflightOf = ({ method, headers }: Pick<IncomingMessage, 'method' | 'headers'>): boolean =>
  isPreflight(method, headers[REQUEST_METHOD]?.toString());

/** Responds to a preflight. Headers set beforehand are sent along. */
export function answerPreflight(response: ServerResponse): void {
  response.writeHead(204).end();
}

/**
 * Node.js keeps the first of several Authorization headers and drops the rest. Requests with more than one are
 * rejected, because it is unclear which one was meant.
 */
export async function authenticateNode(
  guard: Guard,
  { headers, rawHeaders }: Pick<IncomingMessage, 'headers' | 'rawHeaders'>,
  needs?: Needs,
): Promise<Auth> {
  const count = rawHeaders.filter((name, i) => i % 2 === 0 && name.toLowerCase() === 'authorization').length;
  if (count > 1) throw new GuardError('invalid_token');
  return guard.authenticate(headers.authorization, needs);
}

export function sendError(response: ServerResponse, error: unknown): void {
  const { status, headers, body } = errorResponse(error);
  response.writeHead(status, headers).end(body);
}
