import { Hono } from 'hono';
import type { AppContext } from '../context.ts';
import { HttpError } from '../errors.ts';
import { createRequestHandler, type HttpSettings, type Peer, type RequestContext } from './handle-request.ts';
import { preflight } from './origin.ts';
import type { Route, RouteResponse } from './route.ts';

/** Makes the application that answers every line of the route table, and refuses everything else in the same way. */
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
  // Not a route of its own: with one handler to a request the router need not chain.
  app.notFound((c) => response(c, { ...nowhere, handler: () => answerNowhere(c, routes, http) }));
  return app;
}

const nowhere = {
  method: 'GET',
  path: '*',
  summary: '',
  access: 'public',
  responses: {},
  // Whoever mistyped an address is told so in a page.
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
 * Whether a proxy may take the path for another one than we do: `/x/%2e%2e/admin` is `/admin` to us, and a rule of a
 * proxy for `/admin` does not see it (CWE-22, CWE-436).
 *
 * @param url As the client sent it, where a socket tells; a standard request has its dot segments removed already.
 */
function isAmbiguous(url: string): boolean {
  if (!url.includes('%') && !url.includes('/.')) return false;
  const [path = ''] = url.split(/[?#]/, 1);
  return /\/(?:\.|%2e){1,2}(?:\/|$)|%2f|%5c/i.test(path);
}

/** Answers an address that no line of the table has, or not with this method. */
function answerNowhere(c: RequestContext, routes: readonly Route[], http: HttpSettings): RouteResponse {
  const methods = methodsAt(c.req.path, routes);
  if (methods.length === 0) throw new HttpError('not_found');
  const allow = { allow: methods.join(', ') };
  if (c.req.method !== 'OPTIONS') throw new HttpError('method_not_allowed', { headers: allow });
  const cors = preflight(c.req.header('origin') ?? null, http.allowedOrigins, methods);
  return { status: 204, headers: { ...allow, ...cors } };
}

/** The methods that the table has for a path. */
function methodsAt(path: string, routes: readonly Route[]): string[] {
  const segments = path.split('/');
  const fits = (pattern: string): boolean => {
    const parts = pattern.split('/');
    return (
      parts.length === segments.length &&
      parts.every((part, i) => part.startsWith(':') || part === segments[i])
    );
  };
  return routes.filter((route) => fits(route.path)).map((route) => route.method);
}
