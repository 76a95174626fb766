import { Hono } from 'hono';
import type { World } from '../context.ts';
import { Refusal } from '../errors.ts';
import { answering, type EdgeSettings, type Peer, type RequestContext } from './answering.ts';
import { preflight } from './origin.ts';
import type { Answer, Route } from './route.ts';

/** Makes the application that answers every line of the route table, and refuses everything else in the same way. */
export function dispatch(
  world: World,
  routes: readonly Route[],
  edge: EdgeSettings,
): Hono<{ Bindings: Peer }> {
  const app = new Hono<{ Bindings: Peer }>();
  const answerAny = answering(world, edge);
  const answer = (c: RequestContext, route: Route) =>
    isAmbiguous(c.env?.incoming?.url ?? c.req.url) ? answerAny(c, ambiguous) : answerAny(c, route);
  for (const route of routes) app.on(route.method, route.path, (c) => answer(c, route));
  // Not a route of its own: with one handler to a request the router need not chain.
  app.notFound((c) => answer(c, { ...nowhere, handler: () => answerNowhere(c, routes, edge) }));
  return app;
}

const nowhere = {
  method: 'GET',
  path: '*',
  summary: '',
  who: 'anyone',
  answers: {},
  // Whoever mistyped an address is told so in a page.
  isPage: true,
  errors: [],
} satisfies Omit<Route, 'handler'>;

const ambiguous: Route = {
  ...nowhere,
  handler: () => {
    throw new Refusal('invalid_path');
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
function answerNowhere(c: RequestContext, routes: readonly Route[], edge: EdgeSettings): Answer {
  const methods = methodsAt(c.req.path, routes);
  if (methods.length === 0) throw new Refusal('not_found');
  const allow = { allow: methods.join(', ') };
  if (c.req.method !== 'OPTIONS') throw new Refusal('method_not_allowed', { headers: allow });
  const cors = preflight(c.req.header('origin') ?? null, edge.allowedOrigins, methods);
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
