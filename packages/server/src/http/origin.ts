import { HttpError } from '../errors.ts';

interface Write {
  headers: Pick<Headers, 'get'>;
  /**
   * Whether the request carries one of our cookies, which a browser attaches no matter which site triggered the
   * request.
   */
  cookieUsed: boolean;
  /** Our own origins as browsers write them, such as `https://accounts.example.org`. */
  ownOrigins: ReadonlySet<string>;
  /** Other origins whose pages may call us with the cookie. */
  allowedOrigins: ReadonlySet<string>;
}

/**
 * Rejects a request with an unsafe method that a page of another site made a browser send. Call it for every method
 * except GET, HEAD and OPTIONS, even before there is a session: login CSRF, which signs a user in as someone else, is
 * an attack as well. The browser sets `Origin` (RFC 6454 section 7) and `Sec-Fetch-Site` (W3C Fetch Metadata), not the
 * page; where both are present they must agree.
 *
 * @throws HttpError `cross_site_request`. Without either header, only a request with a cookie is rejected: it may come
 * from an old browser, while programs send no cookie.
 */
export function rejectCrossSite({ headers, cookieUsed, ownOrigins, allowedOrigins }: Write): void {
  const origin = headers.get('origin');
  const site = headers.get('sec-fetch-site');
  const fromUs =
    (origin === null || has(ownOrigins, origin)) &&
    (site === null || site === 'same-origin' || site === 'none');
  const fromAllowed =
    has(allowedOrigins, origin) && (site === null || site === 'same-site' || site === 'cross-site');
  const silent = origin === null && site === null;
  if (silent ? cookieUsed : !fromUs && !fromAllowed) throw new HttpError('cross_site_request');
}

/** Compares exactly: browsers write an origin in only one way. Any sandboxed frame may send `null`. */
function has(origins: ReadonlySet<string>, origin: string | null): boolean {
  return origin !== null && origin !== 'null' && origins.has(origin);
}

/** What browsers send: a scheme, a host and perhaps a port. A hostname has at most 253 characters. */
const wellFormedOrigin = /^[a-z][a-z\d+.-]{1,30}:\/\/[a-z\d._[\]:-]{1,262}$/;

/**
 * The Origin header of a page whose browser hides our responses from it; undefined for our own and allowed origins. It
 * is written to the log, which must not contain arbitrary header values: what no browser sends becomes `[malformed]`.
 */
export function rejectedOrigin(
  origin: string | null,
  { ownOrigins, allowedOrigins }: Pick<Write, 'ownOrigins' | 'allowedOrigins'>,
): string | undefined {
  if (origin === null || has(ownOrigins, origin) || has(allowedOrigins, origin)) return undefined;
  return origin === 'null' || wellFormedOrigin.test(origin) ? origin : '[malformed]';
}

/**
 * The headers that let a page of an allowed origin read a response (Fetch standard, CORS protocol). Every response gets
 * them, errors included.
 *
 * @returns nothing for another origin. Every response has `Vary: Origin` (`responses`), so that no cache mixes them up.
 */
export function corsHeaders(
  origin: string | null,
  allowedOrigins: ReadonlySet<string>,
): Record<string, string> {
  if (origin === null || !has(allowedOrigins, origin)) return {};
  return {
    'access-control-allow-origin': origin,
    'access-control-allow-credentials': 'true',
    // What a page can read besides the body: how long to wait.
    'access-control-expose-headers': 'Retry-After',
  };
}

/**
 * The headers of the response to an OPTIONS preflight (204, no body), which a browser sends before JSON across origins.
 *
 * @param methods the methods of the requested path, such as `['GET', 'POST']`.
 * @returns for an origin that is not allowed, only what `corsHeaders` returns, which makes the browser block the
 * request.
 */
export function preflight(
  origin: string | null,
  allowedOrigins: ReadonlySet<string>,
  methods: readonly string[],
): Record<string, string> {
  const headers = corsHeaders(origin, allowedOrigins);
  if (!('access-control-allow-origin' in headers)) return headers;
  return {
    ...headers,
    'access-control-allow-methods': methods.join(', '),
    'access-control-allow-headers': 'Authorization, Content-Type',
    'access-control-max-age': '600',
  };
}
