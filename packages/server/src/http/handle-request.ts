import type { Context } from 'hono';
import type { AppContext } from '../context.ts';
import type { ClientInfo } from '../core/events.ts';
import type { WriteRateLimit } from '../core/rate-limits.ts';
import type { ActiveSession } from '../core/sessions.ts';
import type { Cookie } from '../core/tokens/cookie.ts';
import { HttpError } from '../errors.ts';
import { text } from '../languages/text.ts';
import { newRequestId } from '../platform/random.ts';
import { authenticate, authenticateAgain, requireCredential } from './authenticate.ts';
import { clientIp, type TrustedProxies, UNKNOWN_IP } from './client-ip.ts';
import { compress } from './compression.ts';
import { readCookies } from './cookies.ts';
import { cookieName, readAllCredentials } from './credential.ts';
import { rejectDuplicateHeaders } from './duplicates.ts';
import { formToken } from './form-token.ts';
import { type ReceivedBody, readInput, receiveBody } from './input.ts';
import { corsHeaders, rejectCrossSite, rejectedOrigin } from './origin.ts';
import { isRecentlyAuthenticated, reauthenticationRequired } from './reauthentication.ts';
import { logRequest, type RequestLog, rejectRequest } from './request-log.ts';
import { commonHeaders, problemResponse, toResponse } from './responses.ts';
import type { Route, RouteResponse, SignedInCall } from './route.ts';
import { setCookies } from './set-cookies.ts';

/**
 * What a server knows about a request besides the request itself. `@hono/node-server` passes `incoming`; a host that
 * has no socket passes the client's IP address.
 */
export interface Peer {
  /** The client's IP address, if the host knows it; X-Forwarded-For is then ignored. */
  ip?: string | undefined;
  incoming?: {
    url?: string | undefined;
    rawHeaders: string[];
    socket: { remoteAddress?: string | undefined };
  };
}

/** The settings of the HTTP layer, derived once from the configuration. */
export interface HttpSettings {
  ownOrigins: ReadonlySet<string>;
  allowedOrigins: ReadonlySet<string>;
  /** Host headers that are accepted; health routes accept any. */
  hosts: ReadonlySet<string>;
  trustedProxies: TrustedProxies;
  /** Counts a write against its rate limit. @throws HttpError `too_many_requests` */
  countWrite(
    context: AppContext,
    activeSession: ActiveSession,
    client: ClientInfo,
    limit: WriteRateLimit,
  ): Promise<void>;
  /** The page that shows an error to a person. */
  errorPage(
    context: AppContext,
    error: HttpError,
    request: { requestId: string; url: string; language: () => string },
  ): RouteResponse;
  /**
   * Reauthenticates with the password that a form contains. @throws HttpError when it is wrong or was not evaluated.
   */
  reauthenticate(
    context: AppContext,
    call: SignedInCall<unknown, unknown, unknown>,
    password: string,
  ): Promise<void>;
  /** The same form again, with a field for the password. */
  confirmPage(
    context: AppContext,
    call: SignedInCall<unknown, unknown, unknown>,
    prompt: { path: string; error: HttpError },
  ): Promise<RouteResponse>;
}

export type RequestContext = Context<{ Bindings: Peer }>;

/** Handles one request to one route of the table. */
export type RequestHandler = (c: RequestContext, route: Route) => Promise<Response>;

/** What requests are handled by: the same for all of them. */
interface Handling {
  context: AppContext;
  http: HttpSettings;
  /** The name of the session's cookie. */
  cookie: string;
}

/** The way of every request: checks in a fixed order, the handler, the response, one line of log. */
export function createRequestHandler(context: AppContext, http: HttpSettings): RequestHandler {
  const common = commonHeaders(context.publicUrl, context.config.hstsSubdomains === 'on');
  const cookiesOf = setCookies(context.publicUrl);
  const handling: Handling = { context, http, cookie: cookieName(context.publicUrl) };

  return async (c, route) => {
    const started = performance.now();
    const requestLog: RequestLog = {
      requestId: newRequestId(),
      route,
      method: c.req.method,
      ip: '',
      userId: undefined,
      locale: null,
      code: undefined,
      cookie: undefined,
      formToken: undefined,
      rejectedOrigin: rejectedOrigin(c.req.raw.headers.get('origin'), http),
    };
    let response: RouteResponse;
    try {
      response = await handle(handling, c, route, requestLog);
    } catch (error) {
      response = show(handling, c, route, rejectRequest(context, error, requestLog), requestLog);
    }
    const more: Record<string, string> = { 'x-request-id': requestLog.requestId };
    const cookies = cookiesOf(response, requestLog, c.req.raw.headers.get('cookie'));
    const origin = c.req.raw.headers.get('origin');
    if (origin !== null) Object.assign(more, corsHeaders(origin, http.allowedOrigins));
    logRequest(context, requestLog, response.status, performance.now() - started);
    // A response to HEAD has no body.
    if (c.req.method === 'HEAD') await response.stream?.cancel();
    if (response.shared !== undefined)
      response = await compress(response, c.req.raw.headers.get('accept-encoding'), common['vary']);
    return toResponse(response, common, more, cookies);
  };
}

/** Not async itself: it is on the way of every request, and only hands on the promise of one of the three. */
function handle(
  handling: Handling,
  c: RequestContext,
  route: Route,
  requestLog: RequestLog,
): Promise<RouteResponse> {
  check(handling, c, route, requestLog);
  if (route.access === 'public') return handlePublic(handling.context, c, route, requestLog);
  if (route.access === 'optional') return handleOptional(handling.context, c, route, requestLog);
  return handleSignedIn(handling, c, route, requestLog);
}

/** Everything that is decided before the credential and the input are read. */
function check({ context, http, cookie }: Handling, c: RequestContext, route: Route, requestLog: RequestLog) {
  const { headers } = c.req.raw;
  const incoming = c.env?.incoming;
  if (incoming) rejectDuplicateHeaders(incoming.rawHeaders);
  const { ip } = c.env ?? {};
  requestLog.ip =
    ip === undefined
      ? clientIp(incoming?.socket.remoteAddress, headers.get('x-forwarded-for'), http.trustedProxies)
      : clientIp(ip, null, http.trustedProxies);
  if (requestLog.ip === UNKNOWN_IP) warnOfUnknownClient(context);
  if (!route.anyHost) rejectWrongHost(c, http.hosts);
  if (isUnsafe(c.req.method))
    rejectCrossSite({
      headers,
      cookieUsed: readCookies(headers.get('cookie'), cookie).length > 0,
      ownOrigins: http.ownOrigins,
      allowedOrigins: http.allowedOrigins,
    });
}

async function handlePublic(
  context: AppContext,
  c: RequestContext,
  route: Extract<Route, { access: 'public' }>,
  requestLog: RequestLog,
): Promise<RouteResponse> {
  const received = await receiveBody(c.req.raw, route);
  return route.handler(context, readCall(context, c, route, requestLog, [], received).call);
}

async function handleOptional(
  context: AppContext,
  c: RequestContext,
  route: Extract<Route, { access: 'optional' }>,
  requestLog: RequestLog,
): Promise<RouteResponse> {
  const credentials = await readAllCredentials(context, c.req.raw.headers);
  requestLog.userId = credentials[0]?.claims.sub;
  const sessionIds = credentials.map(({ claims }) => claims.sid);
  const received = await receiveBody(c.req.raw, route);
  const { call } = readCall(context, c, route, requestLog, sessionIds, received);
  return route.handler(context, { ...call, credentials });
}

async function handleSignedIn(
  handling: Handling,
  c: RequestContext,
  route: Extract<Route, { access: 'user' | 'admin' }>,
  requestLog: RequestLog,
): Promise<RouteResponse> {
  const { context, http } = handling;
  const { headers } = c.req.raw;
  // Without a credential of ours, nobody makes us wait for a body.
  if (takesBody(route)) await requireCredential(context, headers);
  const received = takesBody(route) ? await receiveBody(c.req.raw, route) : noBody;
  // Not before the body: a client could send it long after the role was removed or the session revoked.
  const { activeSession, credential, cookie } = await authenticate(context, headers, route);
  requestLog.userId = activeSession.user.id;
  requestLog.locale = activeSession.user.locale;
  requestLog.cookie = cookie;
  const checkAgain = () => authenticateAgain(context, credential, route);
  const sessionIds = [activeSession.session.id];
  const { call, password } = readCall(context, c, route, requestLog, sessionIds, received);
  const renewCookie = (renewed: Cookie) => {
    requestLog.cookie = renewed;
  };
  const signedIn = { ...call, activeSession, credential, renewCookie, checkAgain };
  const prompt = await askForPassword(handling, c, route, signedIn, password, requestLog);
  if (prompt) return prompt;
  // Not before the password: with a stolen session, somebody else could use up the limit.
  if (route.limit) await http.countWrite(context, activeSession, call.client, route.limit);
  return route.handler(context, signedIn);
}

const takesBody = ({ body, encoding }: Route): boolean => body !== undefined || encoding === 'form';
const noBody: ReceivedBody = () => undefined;

/** The input, once it is known whose session it is a part of. */
function readCall(
  context: AppContext,
  c: RequestContext,
  route: Route,
  requestLog: RequestLog,
  sessionIds: string[],
  received: ReceivedBody,
) {
  const { headers } = c.req.raw;
  const userAgent = (headers.get('user-agent') ?? '').slice(0, 200);
  const client = { requestId: requestLog.requestId, ip: requestLog.ip, userAgent };
  const socketIp = c.env?.incoming?.socket.remoteAddress;
  requestLog.formToken = route.isPage ? formToken(context, headers, sessionIds) : undefined;
  const { formToken: given, password, ...input } = readInput(c, route, received);
  // Who leaves without a session changes nothing, and has nothing to show.
  const isIdle = route.access === 'optional' && sessionIds.length === 0;
  if (route.encoding === 'form' && !isIdle) requestLog.formToken?.check(given);
  const formTokenOf = requestLog.formToken?.value ?? noForm;
  return {
    password,
    call: {
      ...input,
      headers,
      client,
      socketIp,
      language: languageOf(context, headers, requestLog),
      formToken: formTokenOf,
    },
  };
}

/**
 * Accepts a session with a recent password, or a form that contains the password.
 *
 * @returns The form once more where the password is missing or wrong.
 * @throws HttpError `reauthentication_required` to a program.
 */
async function askForPassword(
  { context, http }: Handling,
  c: RequestContext,
  route: Route,
  call: SignedInCall<unknown, unknown, unknown>,
  password: string | undefined,
  requestLog: RequestLog,
): Promise<RouteResponse | undefined> {
  if (!route.requiresReauthentication || isRecentlyAuthenticated(context, call.activeSession))
    return undefined;
  if (route.encoding !== 'form') throw reauthenticationRequired();
  try {
    if (!password) throw reauthenticationRequired();
    await http.reauthenticate(context, call, password);
    return undefined;
  } catch (error) {
    if (!(error instanceof HttpError) || error.code === 'invalid_token') throw error;
    return await http.confirmPage(context, call, {
      path: c.req.path,
      error: rejectRequest(context, error, requestLog),
    });
  }
}

/** To a person a page, to a program a problem document. */
function show(
  { context, http }: Handling,
  c: RequestContext,
  route: Route,
  httpError: HttpError,
  requestLog: RequestLog,
): RouteResponse {
  const { requestId } = requestLog;
  const language = languageOf(context, c.req.raw.headers, requestLog);
  const { pathname, search } = new URL(c.req.url);
  const isForPerson = route.isPage && c.req.header('accept')?.includes('text/html') === true;
  if (!isForPerson || pathname.startsWith('/v1/'))
    return problemResponse(httpError, requestId, context.languages.in(language()));
  return http.errorPage(context, httpError, { requestId, url: pathname + search, language });
}

/** The language that the user has chosen, or the browser prefers, or the installation has; most requests never ask. */
const languageOf =
  ({ languages }: AppContext, headers: Headers, { locale }: RequestLog) =>
  (): string =>
    languages.match(locale) ?? languages.accepted(headers.get('accept-language')) ?? languages.fallback;

const warned = new WeakSet<AppContext>();

/** Warns once: all clients without an IP address share the rate limits of one. */
function warnOfUnknownClient(context: AppContext): void {
  if (warned.has(context)) return;
  warned.add(context);
  context.log.warn(
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

/** Links and tokens contain only the configured origin; another host is a mistake or DNS rebinding. */
function rejectWrongHost(c: RequestContext, hosts: ReadonlySet<string>): void {
  const host = c.req.raw.headers.get('host') ?? new URL(c.req.url).host;
  if (!hosts.has(host.toLowerCase()))
    throw new HttpError('misdirected', {
      text: text('request.host', { host: [...hosts][0] ?? '' }),
    });
}
