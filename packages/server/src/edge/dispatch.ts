import { type Context, Hono } from 'hono';
import { Refusal } from '../errors.ts';
import { newRequestId } from '../platform/random.ts';
import { clientAddress, type TrustedProxies } from './address.ts';
import { authenticate } from './authenticate.ts';
import { readCookie, serializeCookie, unsetCookie } from './cookies.ts';
import { cookieName, readCredential } from './credential.ts';
import { refuseDuplicateHeaders } from './duplicates.ts';
import { readInput } from './input.ts';
import { corsHeaders, preflight, refuseCrossSite } from './origin.ts';
import { type Outcome, recordOutcome, refuse } from './outcome.ts';
import { commonHeaders, reply } from './replies.ts';
import type { Answer, Route } from './route.ts';
import type { World } from './world.ts';

/** What a Node server knows of a request beside the request itself; `@hono/node-server` passes it along. */
export interface Peer {
  incoming?: { rawHeaders: string[]; socket: { remoteAddress?: string | undefined } };
}

/** What the edge goes by, worked out once from the settings. */
export interface EdgeSettings {
  ownOrigins: ReadonlySet<string>;
  allowedOrigins: ReadonlySet<string>;
  /** Host headers that are answered; health routes answer any. */
  hosts: ReadonlySet<string>;
  trustedProxies: TrustedProxies;
}

type RequestContext = Context<{ Bindings: Peer }>;

/** Makes the application that answers every line of the route table. */
export function dispatch(
  world: World,
  routes: readonly Route[],
  edge: EdgeSettings,
): Hono<{ Bindings: Peer }> {
  const app = new Hono<{ Bindings: Peer }>();
  const answer = answering(world, edge);
  for (const route of routes) app.on(route.method, route.path, (c) => answer(c, route));
  // Not a route of its own: with one handler to a request the router need not chain.
  app.notFound((c) => answer(c, noRoute(c, routes, edge)));
  return app;
}

/** The way of every request: checks in a fixed order, the handler, the answer, one line of log. */
function answering(world: World, edge: EdgeSettings): (c: RequestContext, route: Route) => Promise<Response> {
  const common = commonHeaders(world.publicUrl);
  const cookie = { name: cookieName(world.publicUrl), secure: world.publicUrl.startsWith('https:') };

  /** Everything that is decided before a handler runs. */
  const check = (c: RequestContext, route: Route, outcome: Outcome): void => {
    const { headers } = c.req.raw;
    const incoming = c.env?.incoming;
    if (incoming) refuseDuplicateHeaders(incoming.rawHeaders);
    outcome.ip = clientAddress(
      incoming?.socket.remoteAddress,
      headers.get('x-forwarded-for'),
      edge.trustedProxies,
    );
    if (!route.anyHost) refuseWrongHost(c, edge.hosts);
    if (isUnsafe(c.req.method))
      refuseCrossSite({
        headers,
        cookieUsed: readCookie(headers.get('cookie'), cookie.name) !== undefined,
        ownOrigins: edge.ownOrigins,
        allowedOrigins: edge.allowedOrigins,
      });
  };

  const handle = async (c: RequestContext, route: Route, outcome: Outcome): Promise<Answer> => {
    check(c, route, outcome);
    const { headers } = c.req.raw;
    const userAgent = (headers.get('user-agent') ?? '').slice(0, 200);
    const origin = { requestId: outcome.requestId, ip: outcome.ip, userAgent };
    if (route.who === 'anyone')
      return route.handler(world, { ...(await readInput(c, route)), headers, origin });
    if (route.who === 'leaving') {
      const credential = await readCredential(world, headers);
      outcome.userId = credential?.claims.sub;
      return route.handler(world, { ...(await readInput(c, route)), headers, origin, credential });
    }
    const authenticated = await authenticate(world, headers, route.who);
    outcome.userId = authenticated.live.user.id;
    outcome.cookie = authenticated.cookie;
    return route.handler(world, {
      ...(await readInput(c, route)),
      headers,
      origin,
      live: authenticated.live,
    });
  };

  const setCookie = ({ cookie: own }: Answer, outcome: Outcome, headers: Headers): string | undefined => {
    // A cookie that is refused will never be good again: the browser may as well forget it.
    const isDead = outcome.code === 'invalid_token' || outcome.code === 'duplicate_header';
    const sent =
      isDead && headers.get('cookie')?.includes(`${cookie.name}=`) ? 'unset' : (own ?? outcome.cookie);
    if (sent === undefined) return undefined;
    if (sent === 'unset') return unsetCookie(cookie.name, { secure: cookie.secure });
    return serializeCookie(cookie.name, sent.token, { secure: cookie.secure, maxAge: sent.maxAge });
  };

  return async (c, route) => {
    const started = performance.now();
    const outcome: Outcome = {
      requestId: newRequestId(),
      route,
      method: c.req.method,
      ip: '',
      userId: undefined,
      code: undefined,
      cookie: undefined,
    };
    let answer: Answer;
    try {
      answer = await handle(c, route, outcome);
    } catch (error) {
      answer = refuse(world, error, outcome);
    }
    const more: Record<string, string> = { 'x-request-id': outcome.requestId };
    const header = setCookie(answer, outcome, c.req.raw.headers);
    if (header !== undefined) more['set-cookie'] = header;
    const origin = c.req.raw.headers.get('origin');
    if (origin !== null) Object.assign(more, withoutVary(corsHeaders(origin, edge.allowedOrigins)));
    recordOutcome(world, outcome, answer.status, performance.now() - started);
    return reply(answer, common, more);
  };
}

/** Every answer varies by more than the origin; see `replies`. */
function withoutVary({ Vary: _, ...headers }: Record<string, string>): Record<string, string> {
  return headers;
}

const isUnsafe = (method: string): boolean => method !== 'GET' && method !== 'HEAD' && method !== 'OPTIONS';

/** Links and tokens name the configured address alone; another name here is a mistake or DNS rebinding. */
function refuseWrongHost(c: RequestContext, hosts: ReadonlySet<string>): void {
  const host = c.req.raw.headers.get('host') ?? new URL(c.req.url).host;
  if (!hosts.has(host.toLowerCase()))
    throw new Refusal('misdirected', {
      message: `This server answers for ${[...hosts][0]}. If it should answer for this name, set USHER_PUBLIC_URL.`,
    });
}

/** What answers an address that no line of the table has, or not with this method. */
function noRoute(c: RequestContext, routes: readonly Route[], edge: EdgeSettings): Route {
  const methods = methodsAt(c.req.path, routes);
  const base = { method: 'GET', path: '*', summary: '', who: 'anyone', answers: {}, errors: [] } as const;
  if (methods.length === 0)
    return {
      ...base,
      errors: [],
      handler: () => {
        throw new Refusal('not_found');
      },
    };
  if (c.req.method === 'OPTIONS') {
    const headers = withoutVary(preflight(c.req.header('origin') ?? null, edge.allowedOrigins, methods));
    return {
      ...base,
      errors: [],
      handler: () => ({ status: 204, headers: { allow: methods.join(', '), ...headers } }),
    };
  }
  return {
    ...base,
    errors: [],
    handler: () => {
      throw new Refusal('method_not_allowed', { headers: { allow: methods.join(', ') } });
    },
  };
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
