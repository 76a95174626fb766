import type { Context } from 'hono';
import { Refusal } from '../errors.ts';
import { newRequestId } from '../platform/random.ts';
import { clientAddress, type TrustedProxies } from './address.ts';
import { authenticate } from './authenticate.ts';
import { readCookie } from './cookies.ts';
import { cookieName, readCredential } from './credential.ts';
import { refuseDuplicateHeaders } from './duplicates.ts';
import { readInput } from './input.ts';
import { corsHeaders, refuseCrossSite } from './origin.ts';
import { type Outcome, recordOutcome, refuse } from './outcome.ts';
import { commonHeaders, reply } from './replies.ts';
import type { Answer, Route } from './route.ts';
import { setCookies } from './set-cookies.ts';
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

export type RequestContext = Context<{ Bindings: Peer }>;

/** Answers one request by one line of the table. */
export type Answering = (c: RequestContext, route: Route) => Promise<Response>;

/** The way of every request: checks in a fixed order, the handler, the answer, one line of log. */
export function answering(world: World, edge: EdgeSettings): Answering {
  const common = commonHeaders(world.publicUrl);
  const name = cookieName(world.publicUrl);
  const cookiesOf = setCookies(world.publicUrl);

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
        cookieUsed: readCookie(headers.get('cookie'), name) !== undefined,
        ownOrigins: edge.ownOrigins,
        allowedOrigins: edge.allowedOrigins,
      });
  };

  const handle = async (c: RequestContext, route: Route, outcome: Outcome): Promise<Answer> => {
    check(c, route, outcome);
    const { headers } = c.req.raw;
    const userAgent = (headers.get('user-agent') ?? '').slice(0, 200);
    const origin = { requestId: outcome.requestId, ip: outcome.ip, userAgent };
    if (route.who === 'anyone') {
      const socketAddress = c.env?.incoming?.socket.remoteAddress;
      return route.handler(world, { ...(await readInput(c, route)), headers, origin, socketAddress });
    }
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
    const cookies = cookiesOf(answer, outcome, c.req.raw.headers.get('cookie'));
    const origin = c.req.raw.headers.get('origin');
    if (origin !== null) Object.assign(more, corsHeaders(origin, edge.allowedOrigins));
    recordOutcome(world, outcome, answer.status, performance.now() - started);
    return reply(answer, common, more, cookies);
  };
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
