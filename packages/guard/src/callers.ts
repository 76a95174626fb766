import type { Auth } from './guard.ts';

/** The verified tokens of requests, for frameworks whose request objects live until the response is sent. */
const callers = new WeakMap<object, Auth>();

export const noteCaller = (request: object, auth: Auth): void => {
  callers.set(request, auth);
};

/**
 * Gets who sent a request that `tokenRequired` accepted.
 *
 * @throws Error if the request did not pass `tokenRequired`, which is a bug in the route.
 *
 * @example
 * app.get('/api/hello', (request, response) => response.json({ hello: authOf(request).userId }));
 */
export function authOf(request: object): Auth {
  const auth = callers.get(request);
  if (!auth) throw new Error('No authentication on this route. Add tokenRequired() before the handler.');
  return auth;
}
