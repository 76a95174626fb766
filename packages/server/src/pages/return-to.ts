import type { AppContext } from '../context.ts';
import type { RouteResponse } from '../http/route.ts';
import { withPolicyDirective } from './layout.tsx';

const LONGEST = 1_000;

/**
 * Validates where to continue after signing in: a path of this server, or a URL whose origin is one of
 * `USHER_ALLOWED_ORIGINS`. Anyone can put a value into a link (open redirect), so it is parsed once, by the rules of
 * browsers (WHATWG URL), and only the parsed value is used.
 *
 * @returns undefined for everything else.
 */
export function readReturnTo(
  { publicUrl, config }: Pick<AppContext, 'publicUrl' | 'config'>,
  text: string | undefined,
): string | undefined {
  // Visible ASCII: a URL contains nothing else, and parsers disagree about the rest. Browsers treat a backslash as a
  // slash.
  if (text === undefined || text.length > LONGEST || !/^[!-[\]-~]+$/.test(text)) return undefined;
  if (!URL.canParse(text, publicUrl)) return undefined;
  const url = new URL(text, publicUrl);
  if (url.username !== '' || url.password !== '') return undefined;
  const isListed = config.allowedOrigins.includes(url.origin) && text.startsWith(`${url.origin}/`);
  if (isListed) return url.href;
  // `/.//host` is a path on this server, but parses to `//host`, which is another host.
  if (url.origin !== new URL(publicUrl).origin || !text.startsWith('/') || url.pathname.startsWith('//'))
    return undefined;
  return url.pathname + url.search + url.hash;
}

/** Adds the place to continue at to a path. */
export const withReturnTo = (path: string, returnTo: string | undefined): string =>
  returnTo === undefined ? path : `${path}?${new URLSearchParams({ return_to: returnTo })}`;

/** Where a signed-in user continues: first the page to choose a new password, if they must. */
export const nextPage = (mustChangePassword: boolean, returnTo: string | undefined): string =>
  mustChangePassword ? withReturnTo('/dashboard/security', returnTo) : (returnTo ?? '/dashboard');

/**
 * Allows the form of a page to redirect to one of the allowed origins: browsers apply `form-action` to redirects, too.
 */
export const allowFormRedirects = (
  { config }: Pick<AppContext, 'config'>,
  response: RouteResponse,
): RouteResponse => withPolicyDirective(response, ["form-action 'self'", ...config.allowedOrigins].join(' '));
