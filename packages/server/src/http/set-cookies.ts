import { serializeCookie, unsetCookie } from './cookies.ts';
import { cookieName } from './credential.ts';
import { type OtherCookie, otherCookieName } from './other-cookies.ts';
import type { RequestLog } from './request-log.ts';
import type { RouteResponse } from './route.ts';

/** Returns the Set-Cookie values of a response, the session's first. */
export type SetCookies = (response: RouteResponse, requestLog: RequestLog, sent: string | null) => string[];

export function setCookies(publicUrl: string): SetCookies {
  const name = cookieName(publicUrl);
  const secure = publicUrl.startsWith('https:');
  const line = (of: string, value: string, maxAge: number) => serializeCookie(of, value, { secure, maxAge });

  return ({ cookie, otherCookies }, requestLog, sent) => {
    const lines: string[] = [];
    // A rejected cookie never becomes valid again, so the browser may delete it.
    const isRejected = requestLog.code === 'invalid_token' || requestLog.code === 'duplicate_cookie';
    const forgets = isRejected && !requestLog.keepsCookie && sent?.includes(`${name}=`);
    const session = forgets ? 'unset' : (cookie ?? requestLog.cookie);
    if (session === 'unset') lines.push(unsetCookie(name, { secure }));
    else if (session) lines.push(line(name, session.token, session.maxAge));
    for (const [kind, side] of Object.entries({ ...requestLog.formToken?.otherCookies(), ...otherCookies })) {
      const of = otherCookieName(publicUrl, kind as OtherCookie);
      lines.push(side === 'unset' ? unsetCookie(of, { secure }) : line(of, side.value, side.maxAge));
    }
    return lines;
  };
}
