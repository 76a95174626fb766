import { readCookie } from './cookies.ts';
import { cookieName } from './credential.ts';
import type { SideCookie } from './route.ts';
import type { World } from './world.ts';

/** What a browser keeps beside its session: which accounts it signed in to, and which recovery it began. */
export const sideCookieName = (publicUrl: string, kind: SideCookie): string =>
  `${cookieName(publicUrl)}-${kind}`;

/** How long a browser stays known, in seconds: browsers keep no cookie longer (RFC 6265bis, 5.5). */
const KNOWN = 400 * 24 * 60 * 60;

/** The cookie that makes a browser known to an account. */
export const knownDevice = ({ deviceTokens }: World, userId: string): { value: string; maxAge: number } => ({
  value: deviceTokens.make(userId),
  maxAge: KNOWN,
});

/** The id of a browser that signed in to this account before. */
export function readDevice(world: World, headers: Pick<Headers, 'get'>, userId: string): string | undefined {
  const token = readCookie(headers.get('cookie'), sideCookieName(world.publicUrl, 'device'));
  return token === undefined ? undefined : world.deviceTokens.read(token, userId);
}

/** The recovery that this browser began. */
export function readFlow({ publicUrl }: World, headers: Pick<Headers, 'get'>): string | undefined {
  return readCookie(headers.get('cookie'), sideCookieName(publicUrl, 'flow'));
}
