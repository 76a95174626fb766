import type { Context } from 'hono';
import type { World } from '../context.ts';
import type { Origin } from '../core/events.ts';
import type { WriteLimit } from '../core/limits.ts';
import type { Live } from '../core/sessions.ts';
import type { Cookie } from '../core/tokens/cookie.ts';
import { Refusal } from '../errors.ts';
import { newRequestId } from '../platform/random.ts';
import { clientAddress, type TrustedProxies, UNKNOWN_ADDRESS } from './address.ts';
import { authenticate, authenticateAgain } from './authenticate.ts';
import { readCookies } from './cookies.ts';
import { cookieName, readAllCredentials } from './credential.ts';
import { refuseDuplicateHeaders } from './duplicates.ts';
import { formToken } from './form-token.ts';
import { freshSignInRequired, isFresh } from './fresh-sign-in.ts';
import { readInput } from './input.ts';
import { corsHeaders, refuseCrossSite, rejectedOrigin } from './origin.ts';
import { type Outcome, recordOutcome, refuse } from './outcome.ts';
import { commonHeaders, problemOf, reply } from './replies.ts';
import type { Answer, Route, SignedInCall } from './route.ts';
import { setCookies } from './set-cookies.ts';

/**
 * What a server knows of a request beside the request itself. `@hono/node-server` passes `incoming` along; a host that has no
 * socket to show says the client's IP address itself.
 */
export interface Peer {
  /** The client's IP address, for a host that knows it: X-Forwarded-For is not read then. */
  ip?: string | undefined;
  incoming?: {
    url?: string | undefined;
    rawHeaders: string[];
    socket: { remoteAddress?: string | undefined };
  };
}

/** What the edge goes by, worked out once from the settings. */
export interface EdgeSettings {
  ownOrigins: ReadonlySet<string>;
  allowedOrigins: ReadonlySet<string>;
  /** Host headers that are answered; health routes answer any. */
  hosts: ReadonlySet<string>;
  trustedProxies: TrustedProxies;
  /** Counts a write against its limit. @throws Refusal `too_many_requests` */
  countWrite(world: World, live: Live, origin: Origin, limit: WriteLimit): Promise<void>;
  /** What a person sees of a refusal. */
  refusalPage(world: World, refusal: Refusal, refused: { requestId: string; address: string }): Answer;
  /** Checks the password that a form brought along, and notes it. @throws Refusal when it is wrong, or not looked at. */
  proveFresh(world: World, call: SignedInCall<unknown, unknown, unknown>, password: string): Promise<void>;
  /** A form once more, with a field for the password. */
  confirmPage(
    world: World,
    call: SignedInCall<unknown, unknown, unknown>,
    asked: { path: string; refusal: Refusal },
  ): Promise<Answer>;
}

export type RequestContext = Context<{ Bindings: Peer }>;

/** Answers one request by one line of the table. */
export type Answering = (c: RequestContext, route: Route) => Promise<Response>;

/** The way of every request: checks in a fixed order, the handler, the answer, one line of log. */
export function answering(world: World, edge: EdgeSettings): Answering {
  const common = commonHeaders(world.publicUrl, world.config.hstsSubdomains === 'on');
  const name = cookieName(world.publicUrl);
  const cookiesOf = setCookies(world.publicUrl);

  /** Everything that is decided before a handler runs. */
  const check = (c: RequestContext, route: Route, outcome: Outcome): void => {
    const { headers } = c.req.raw;
    const incoming = c.env?.incoming;
    if (incoming) refuseDuplicateHeaders(incoming.rawHeaders);
    const { ip } = c.env ?? {};
    outcome.ip =
      ip === undefined
        ? clientAddress(incoming?.socket.remoteAddress, headers.get('x-forwarded-for'), edge.trustedProxies)
        : clientAddress(ip, null, edge.trustedProxies);
    if (outcome.ip === UNKNOWN_ADDRESS) warnOfUnknownClient(world);
    if (!route.anyHost) refuseWrongHost(c, edge.hosts);
    if (isUnsafe(c.req.method))
      refuseCrossSite({
        headers,
        cookieUsed: readCookies(headers.get('cookie'), name).length > 0,
        ownOrigins: edge.ownOrigins,
        allowedOrigins: edge.allowedOrigins,
      });
  };

  const handle = async (c: RequestContext, route: Route, outcome: Outcome): Promise<Answer> => {
    check(c, route, outcome);
    const { headers } = c.req.raw;
    const userAgent = (headers.get('user-agent') ?? '').slice(0, 200);
    const origin = { requestId: outcome.requestId, ip: outcome.ip, userAgent };
    const socketAddress = c.env?.incoming?.socket.remoteAddress;

    /** The input, once it is known whose session it is a part of. */
    const read = async (...sessionIds: string[]) => {
      outcome.formToken = route.isPage ? formToken(world, headers, sessionIds) : undefined;
      const { formToken: given, password, ...input } = await readInput(c, route);
      // Who leaves without a session changes nothing, and has nothing to show.
      const isIdle = route.who === 'leaving' && sessionIds.length === 0;
      if (route.encoding === 'form' && !isIdle) outcome.formToken?.check(given);
      const formTokenOf = outcome.formToken?.value ?? noForm;
      return { password, call: { ...input, headers, origin, socketAddress, formToken: formTokenOf } };
    };
    if (route.who === 'anyone') return route.handler(world, (await read()).call);
    if (route.who === 'leaving') {
      const credentials = await readAllCredentials(world, headers);
      outcome.userId = credentials[0]?.claims.sub;
      const { call } = await read(...credentials.map(({ claims }) => claims.sid));
      return route.handler(world, { ...call, credentials });
    }
    const { live, credential, cookie } = await authenticate(world, headers, route);
    outcome.userId = live.user.id;
    outcome.cookie = cookie;
    const checkAgain = () => authenticateAgain(world, credential, route);
    const { call, password } = await read(live.session.id);
    const renewCookie = (renewed: Cookie) => {
      outcome.cookie = renewed;
    };
    const signedIn = { ...call, live, credential, renewCookie, checkAgain };
    const asked = await askForPassword(c, route, signedIn, password, outcome);
    if (asked) return asked;
    // Not before the password: whoever stole a session could use the limit up.
    if (route.limit) await edge.countWrite(world, live, origin, route.limit);
    return route.handler(world, signedIn);
  };

  /**
   * Lets on whoever signed in a moment ago, and form by form whoever gives the password now.
   *
   * @returns The form once more where the password is missing or wrong.
   * @throws Refusal `fresh_sign_in_required` to a program.
   */
  const askForPassword = async (
    c: RequestContext,
    route: Route,
    call: SignedInCall<unknown, unknown, unknown>,
    password: string | undefined,
    outcome: Outcome,
  ): Promise<Answer | undefined> => {
    if (!route.needsFreshSignIn || isFresh(world, call.live)) return undefined;
    if (route.encoding !== 'form') throw freshSignInRequired();
    try {
      if (!password) throw freshSignInRequired();
      await edge.proveFresh(world, call, password);
      return undefined;
    } catch (error) {
      if (!(error instanceof Refusal) || error.code === 'invalid_token') throw error;
      return await edge.confirmPage(world, call, {
        path: c.req.path,
        refusal: refuse(world, error, outcome),
      });
    }
  };

  /** To a person a page, to a program a problem document. */
  const show = (c: RequestContext, route: Route, refusal: Refusal, requestId: string): Answer => {
    const { pathname, search } = new URL(c.req.url);
    const isForPerson = route.isPage && c.req.header('accept')?.includes('text/html') === true;
    if (!isForPerson || pathname.startsWith('/v1/')) return problemOf(refusal, requestId);
    return edge.refusalPage(world, refusal, { requestId, address: pathname + search });
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
      formToken: undefined,
      rejectedOrigin: rejectedOrigin(c.req.raw.headers.get('origin'), edge),
    };
    let answer: Answer;
    try {
      answer = await handle(c, route, outcome);
    } catch (error) {
      answer = show(c, route, refuse(world, error, outcome), outcome.requestId);
    }
    const more: Record<string, string> = { 'x-request-id': outcome.requestId };
    const cookies = cookiesOf(answer, outcome, c.req.raw.headers.get('cookie'));
    const origin = c.req.raw.headers.get('origin');
    if (origin !== null) Object.assign(more, corsHeaders(origin, edge.allowedOrigins));
    recordOutcome(world, outcome, answer.status, performance.now() - started);
    // Nobody reads what follows the head.
    if (c.req.method === 'HEAD') await answer.stream?.cancel();
    return reply(answer, common, more, cookies);
  };
}

const warned = new WeakSet<World>();

/** Once: all clients without an address share the rate limits of one. */
function warnOfUnknownClient(world: World): void {
  if (warned.has(world)) return;
  warned.add(world);
  world.log.warn(
    {
      hint: 'Pass the client to fetch and authenticate: usher.fetch(request, { ip }), or c.env with Hono on Node.js.',
    },
    'no IP address of the client is known: all clients share the rate limits of one',
  );
}

/** Only pages have forms. */
function noForm(): never {
  throw new Error('Only pages have a form token.');
}

const isUnsafe = (method: string): boolean => method !== 'GET' && method !== 'HEAD' && method !== 'OPTIONS';

/** Links and tokens name the configured address alone; another name here is a mistake or DNS rebinding. */
function refuseWrongHost(c: RequestContext, hosts: ReadonlySet<string>): void {
  const host = c.req.raw.headers.get('host') ?? new URL(c.req.url).host;
  if (!hosts.has(host.toLowerCase()))
    throw new Refusal('misdirected', {
      message: `This server is configured for ${[...hosts][0]}. To use another hostname, set USHER_PUBLIC_URL.`,
    });
}
