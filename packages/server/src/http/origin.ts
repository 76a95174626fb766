import { HttpError } from '../errors.ts';

interface Write {
  headers: Pick<Headers, 'get'>;
  /** Whether the request carries one of our cookies, which a browser attaches whoever asked it to send. */
  cookieUsed: boolean;
  /** Our own addresses as browsers write them, such as `https://accounts.example.org`. */
  ownOrigins: ReadonlySet<string>;
  /** Origins of others whose pages may call us with the cookie. */
  allowedOrigins: ReadonlySet<string>;
}

/**
 * Refuses a request of an unsafe method that a page of another site made a browser send. Call it for every method but
 * GET, HEAD and OPTIONS, before there is a session too: signing somebody in as somebody else is an attack as well.
 * `Origin` (RFC 6454 section 7) and `Sec-Fetch-Site` (W3C Fetch Metadata) are set by the browser and not by the page;
 * where both come they must agree.
 *
 * @throws HttpError `cross_site_request`. Without either header only a request with a cookie is refused: it may come from an old
 *   browser, while programs send no cookie.
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

/** To the letter: browsers write an origin in one way only. `null` is what any sandboxed frame may send. */
function has(origins: ReadonlySet<string>, origin: string | null): boolean {
  return origin !== null && origin !== 'null' && origins.has(origin);
}

/** What browsers write: a scheme, a host and perhaps a port. A host name has 253 characters at most. */
const wellFormedOrigin = /^[a-z][a-z\d+.-]{1,30}:\/\/[a-z\d._[\]:-]{1,262}$/;

/**
 * The Origin header of a page whose browser keeps our responses from it; undefined for our own and allowed origins. It is meant
 * for the log, where whatever a client puts into a header must not stand: what no browser writes is `[malformed]`.
 */
export function rejectedOrigin(
  origin: string | null,
  { ownOrigins, allowedOrigins }: Pick<Write, 'ownOrigins' | 'allowedOrigins'>,
): string | undefined {
  if (origin === null || has(ownOrigins, origin) || has(allowedOrigins, origin)) return undefined;
  return origin === 'null' || wellFormedOrigin.test(origin) ? origin : '[malformed]';
}

/**
 * The headers that let a page of an allowed origin read an answer (Fetch standard, CORS protocol). Every answer gets
 * them, refusals too.
 *
 * @returns nothing for another origin. Every answer says `Vary: Origin` (`replies`), so no cache mixes them up.
 */
export function corsHeaders(
  origin: string | null,
  allowedOrigins: ReadonlySet<string>,
): Record<string, string> {
  if (origin === null || !has(allowedOrigins, origin)) return {};
  return {
    'access-control-allow-origin': origin,
    'access-control-allow-credentials': 'true',
    // What a page reads beside the body: how long to wait.
    'access-control-expose-headers': 'Retry-After',
  };
}

/**
 * The headers of the answer to OPTIONS (204, no body), which a browser asks before it sends JSON across origins.
 *
 * @param methods what the asked path answers, such as `['GET', 'POST']`.
 * @returns for an origin that is not allowed no more than `corsHeaders` gives it, which makes the browser refuse.
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
