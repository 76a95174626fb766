import type { AppContext } from '../context.ts';
import { HttpError } from '../errors.ts';
import { newId } from '../platform/random.ts';
import { equalSecrets, mac } from '../platform/secrets.ts';
import { readCookie } from './cookies.ts';
import { readSessionCookie } from './credential.ts';
import { otherCookieName } from './other-cookies.ts';
import type { RouteResponse } from './route.ts';

/**
 * The CSRF token of a form, which no page of another site can know. It is bound to the session, or to a cookie if there
 * is no session yet. `rejectCrossSite` rejects the same requests by the headers that browsers send; this token also
 * covers browsers that send none, and prevents a form of one account from being submitted as another.
 */
export interface FormToken {
  /** The token for the forms of the page being rendered. */
  value(): string;
  /** @throws HttpError `form_expired` */
  check(given: string | undefined): void;
  /** The cookies that the response has to set, once a page has used `value`. */
  otherCookies(): RouteResponse['otherCookies'];
}

/** Seconds; each page with a form starts it again. */
const LIFETIME = 24 * 60 * 60;

/** @param sessionIds The sessions of the request, if its route requires any: several at sign-out. */
export function formToken(
  context: AppContext,
  headers: Pick<Headers, 'get'>,
  sessionIds: readonly string[],
): FormToken {
  const { keys } = context;
  const ofSession = (id: string): string => mac(keys.form, `session ${id}`);
  const ofBrowser = (id: string): string => mac(keys.form, `browser ${id}`);
  const [sessionId] = sessionIds;
  if (sessionId !== undefined)
    return {
      value: () => ofSession(sessionId),
      check: (given) => rejectOther(given, sessionIds.map(ofSession)),
      otherCookies: () => undefined,
    };
  const id = readBrowserId(context, headers);
  let shown: string | undefined;
  return {
    value() {
      shown ??= id ?? newId();
      return ofBrowser(shown);
    },
    check(given) {
      // A page of a signed-in user may link to a form that anyone may open. Whether its session is still active does
      // not matter: the cookie only shows that the browser has it.
      const session = readSessionCookie(context, headers)?.sid;
      rejectOther(given, [...(id ? [ofBrowser(id)] : []), ...(session ? [ofSession(session)] : [])]);
    },
    otherCookies: () => (shown === undefined ? undefined : { form: { value: shown, maxAge: LIFETIME } }),
  };
}

function readBrowserId({ publicUrl }: AppContext, headers: Pick<Headers, 'get'>): string | undefined {
  const sent = readCookie(headers.get('cookie'), otherCookieName(publicUrl, 'form'));
  return sent !== undefined && /^[\w-]{22}$/.test(sent) ? sent : undefined;
}

function rejectOther(given: string | undefined, right: string[]): void {
  if (!right.some((one) => given !== undefined && equalSecrets(given, one)))
    throw new HttpError('form_expired');
}
