import type { Auth } from './guard.ts';

/** Who sent which request, for frameworks whose requests are objects that live as long as the answer takes. */
const callers = new WeakMap<object, Auth>();

export const noteCaller = (request: object, auth: Auth): void => {
  callers.set(request, auth);
};

/**
 * Who sent a request that `tokenRequired` let on.
 *
 * @throws Error, as a bug of the route, for a request that it did not see: an unguarded route never has a caller.
 * @example
 * app.get('/api/hello', (request, response) => response.json({ hello: authOf(request).userId }));
 */
export function authOf(request: object): Auth {
  const auth = callers.get(request);
  if (!auth) throw new Error('No authentication on this route. Add tokenRequired() before the handler.');
  return auth;
}
