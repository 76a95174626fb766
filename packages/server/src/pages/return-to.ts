import type { AppContext } from '../context.ts';
import type { RouteResponse } from '../http/route.ts';
import { allowing } from './layout.tsx';

const LONGEST = 1_000;

/**
 * Where somebody goes on after signing in, if it may be believed: a path of ours, or an address whose origin is one of
 * `USHER_ALLOWED_ORIGINS`. Anybody can write it into a link, so it is parsed once, by the rules that browsers use
 * (WHATWG URL), and only what was parsed is used.
 *
 * @returns undefined for everything else.
 */
export function readReturnTo(
  { publicUrl, config }: Pick<AppContext, 'publicUrl' | 'config'>,
  text: string | undefined,
): string | undefined {
  // Visible ASCII: a URL has nothing else, and parsers differ about the rest. Browsers take a backslash for a slash.
  if (text === undefined || text.length > LONGEST || !/^[!-[\]-~]+$/.test(text)) return undefined;
  if (!URL.canParse(text, publicUrl)) return undefined;
  const url = new URL(text, publicUrl);
  if (url.username !== '' || url.password !== '') return undefined;
  const isListed = config.allowedOrigins.includes(url.origin) && text.startsWith(`${url.origin}/`);
  if (isListed) return url.href;
  // `/.//host` is a path of ours, and is `//host` once it is parsed: an address elsewhere.
  if (url.origin !== new URL(publicUrl).origin || !text.startsWith('/') || url.pathname.startsWith('//'))
    return undefined;
  return url.pathname + url.search + url.hash;
}

/** A path with where to go on from there. */
export const withReturnTo = (path: string, returnTo: string | undefined): string =>
  returnTo === undefined ? path : `${path}?${new URLSearchParams({ return_to: returnTo })}`;

/** Where somebody goes on who is signed in: first to choose a new password, if they must. */
export const nextPage = (mustChangePassword: boolean, returnTo: string | undefined): string =>
  mustChangePassword ? withReturnTo('/dashboard/security', returnTo) : (returnTo ?? '/dashboard');

/** A page whose form may lead to one of the listed origins: browsers hold the policy against the redirect, too. */
export const mayLeadOut = ({ config }: Pick<AppContext, 'config'>, response: RouteResponse): RouteResponse =>
  allowing(response, ["form-action 'self'", ...config.allowedOrigins].join(' '));
