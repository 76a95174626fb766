import { HttpError } from '../errors.ts';

/**
 * Reads the value of one cookie, by the octets of RFC 6265 section 4.1.1: pairs are separated by `;`, names are
 * compared exactly, only SP and HTAB around a pair are dropped, quotes are part of the value, and `$Version` is a name
 * like any other. Runs in time linear to the header.
 *
 * @param header the Cookie header, or null.
 * @param name the whole name, such as `__Host-usher`.
 * @returns the value as sent, which may be '' or invalid: the caller must validate it.
 * @throws HttpError `duplicate_cookie` when more than one cookie has this name. A browser holds one `__Host-` cookie,
 * so the second was planted, and no rule about which one comes first is safe (RFC 6265 section 4.2.2).
 */
export function readCookie(header: string | null, name: string): string | undefined {
  const values = readCookies(header, name);
  if (values.length > 1) throw new HttpError('duplicate_cookie');
  return values[0];
}

/** The values of all cookies with this name, parsed as `readCookie` does. */
export function readCookies(header: string | null, name: string): string[] {
  if (header === null) return [];
  const values: string[] = [];
  for (let at = header.indexOf(name); at !== -1; at = header.indexOf(name, at + name.length))
    if (header[at + name.length] === '=' && startsPair(header, at))
      values.push(readValue(header, at + name.length + 1));
  return values;
}

/**
 * Whether only SP and HTAB separate this position from the start of its pair. Unicode spaces do not count as white
 * space.
 */
function startsPair(header: string, at: number): boolean {
  let before = at - 1;
  while (header[before] === ' ' || header[before] === '\t') before--;
  return before === -1 || header[before] === ';';
}

function readValue(header: string, start: number): string {
  const semicolon = header.indexOf(';', start);
  let end = semicolon === -1 ? header.length : semicolon;
  while (end > start && (header[end - 1] === ' ' || header[end - 1] === '\t')) end--;
  return header.slice(start, end);
}

export interface CookieOptions {
  /** Seconds until the browser deletes the cookie. */
  maxAge: number;
  /** False only on plain `http://localhost`. */
  secure: boolean;
  /** '/' by default. */
  path?: string;
}

/**
 * Formats a Set-Cookie value (RFC 6265 section 4.1.1): `name=value; Path=/; HttpOnly; SameSite=Lax; Max-Age=n; Secure`.
 *
 * @throws Error, as a bug of the caller: for characters outside the grammar (such as CR, LF and `;`), for more than
 * browsers store, and for a `__Host-` cookie that they would drop.
 */
export function serializeCookie(name: string, value: string, options: CookieOptions): string {
  if (!Number.isSafeInteger(options.maxAge) || options.maxAge < 0)
    throw new Error('Invalid cookie: Max-Age must be a whole number of seconds.');
  return serialize(name, value, `Max-Age=${options.maxAge}`, options);
}

/** The Set-Cookie value that deletes a cookie. `secure` and `path` must be those it was set with. */
export function unsetCookie(name: string, options: Omit<CookieOptions, 'maxAge'>): string {
  return serialize(name, '', 'Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT', options);
}

const token = /^[!#$%&'*+\-.^_`|~\dA-Za-z]+$/;
const octets = /^[!#-+\--:<-[\]-~]*$/;
const pathOctets = /^\/[!-:<-~]*$/;

function serialize(
  name: string,
  value: string,
  life: string,
  options: Omit<CookieOptions, 'maxAge'>,
): string {
  const { secure, path = '/' } = options;
  if (!token.test(name)) throw new Error('Invalid cookie name.');
  if (!octets.test(value)) throw new Error(`Invalid value of the cookie ${name}.`);
  if (!pathOctets.test(path)) throw new Error(`Invalid path of the cookie ${name}.`);
  if (name.length + value.length > 4096) throw new Error(`The cookie ${name} is too large for browsers.`);
  if (name.startsWith('__Host-') && !(secure && path === '/'))
    throw new Error(`The cookie ${name} requires Secure and Path=/.`);
  return `${name}=${value}; Path=${path}; HttpOnly; SameSite=Lax; ${life}${secure ? '; Secure' : ''}`;
}
