import { serializeCookie, unsetCookie } from './cookies.ts';
import { cookieName } from './credential.ts';
import type { Outcome } from './outcome.ts';
import type { Answer, SideCookie } from './route.ts';
import { sideCookieName } from './side-cookies.ts';

/** The Set-Cookie lines of an answer, the session's first. */
export type SetCookies = (answer: Answer, outcome: Outcome, sent: string | null) => string[];

export function setCookies(publicUrl: string): SetCookies {
  const name = cookieName(publicUrl);
  const secure = publicUrl.startsWith('https:');
  const line = (of: string, value: string, maxAge: number) => serializeCookie(of, value, { secure, maxAge });

  return ({ cookie, sideCookies }, outcome, sent) => {
    const lines: string[] = [];
    // A cookie that is refused will never be good again: the browser may as well forget it.
    const isRefused = outcome.code === 'invalid_token' || outcome.code === 'duplicate_cookie';
    const forgets = isRefused && !outcome.keepsCookie && sent?.includes(`${name}=`);
    const session = forgets ? 'unset' : (cookie ?? outcome.cookie);
    if (session === 'unset') lines.push(unsetCookie(name, { secure }));
    else if (session) lines.push(line(name, session.token, session.maxAge));
    for (const [kind, side] of Object.entries({ ...outcome.formToken?.sideCookies(), ...sideCookies })) {
      const of = sideCookieName(publicUrl, kind as SideCookie);
      lines.push(side === 'unset' ? unsetCookie(of, { secure }) : line(of, side.value, side.maxAge));
    }
    return lines;
  };
}
