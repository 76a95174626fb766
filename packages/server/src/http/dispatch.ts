import { Hono } from 'hono';
import type { AppContext } from '../context.ts';
import { HttpError } from '../errors.ts';
import { createRequestHandler, type HttpSettings, type Peer, type RequestContext } from './handle-request.ts';
import { preflight } from './origin.ts';
import type { Route, RouteResponse } from './route.ts';

/** Creates the application that serves every route of the table and rejects all other requests the same way. */
export function dispatch(
  context: AppContext,
  routes: readonly Route[],
  http: HttpSettings,
): Hono<{ Bindings: Peer }> {
  const app = new Hono<{ Bindings: Peer }>();
  const answerAny = createRequestHandler(context, http);
  const response = (c: RequestContext, route: Route) =>
    isAmbiguous(c.env?.incoming?.url ?? c.req.url) ? answerAny(c, ambiguous) : answerAny(c, route);
  for (const route of routes) app.on(route.method, route.path, (c) => response(c, route));
  // Not a route of its own: with one handler per request, the router need not chain.
  app.notFound((c) => response(c, { ...nowhere, handler: () => answerNowhere(c, routes, http) }));
  return app;
}

const nowhere = {
  method: 'GET',
  path: '*',
  summary: '',
  access: 'public',
  responses: {},
  // A user who mistypes a URL gets a page.
  isPage: true,
  errors: [],
} satisfies Omit<Route, 'handler'>;

const ambiguous: Route = {
  ...nowhere,
  handler: () => {
    throw new HttpError('invalid_path');
  },
};

/**
 * Whether a proxy may interpret the path differently: `/x/%2e%2e/admin` is `/admin` to us, but a proxy's rule for
 * `/admin` does not match it (CWE-22, CWE-436).
 *
 * @param url As the client sent it, if a socket tells; a standard Request has its dot segments removed already.
 */
function isAmbiguous(url: string): boolean {
  if (!url.includes('%') && !url.includes('/.')) return false;
  const [path = ''] = url.split(/[?#]/, 1);
  return /\/(?:\.|%2e){1,2}(?:\/|$)|%2f|%5c/i.test(path);
}

/** Responds to a path that no route has, or not with this method. */
function answerNowhere(c: RequestContext, routes: readonly Route[], http: HttpSettings): RouteResponse {
  const methods = methodsAt(c.req.path, routes);
  if (methods.length === 0) throw new HttpError('not_found');
  const allow = { allow: methods.join(', ') };
  if (c.req.method !== 'OPTIONS') throw new HttpError('method_not_allowed', { headers: allow });
  const cors = preflight(c.req.header('origin') ?? null, http.allowedOrigins, methods);
  return { status: 204, headers: { ...allow, ...cors } };
}

/** The methods that the route table has for a path. */
function methodsAt(path: string, routes: readonly Route[]): string[] {
  const segments = path.split('/');
  const matches = (pattern: string): boolean => {
    const parts = pattern.split('/');
    return (
      parts.length === segments.length &&
      parts.every((part, i) => part.startsWith(':') || part === segments[i])
    );
  };
  return routes.filter((route) => matches(route.path)).map((route) => route.method);
}
