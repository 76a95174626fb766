import type { AppContext } from '../context.ts';
import { HttpError } from '../errors.ts';
import { newId } from '../platform/random.ts';
import { equalSecrets, mac } from '../platform/secrets.ts';
import { readCookie } from './cookies.ts';
import { readSessionCookie } from './credential.ts';
import { otherCookieName } from './other-cookies.ts';
import type { RouteResponse } from './route.ts';

/**
 * What a form of ours carries and no page of another site can know: bound to the session, or before there is one to a
 * cookie. `refuseCrossSite` refuses the same requests by what browsers say of themselves; this holds for those that say
 * nothing, and keeps a form of one account from being sent as another.
 */
export interface FormToken {
  /** For the forms of the page that is being made. */
  value(): string;
  /** @throws HttpError `form_expired` */
  check(given: string | undefined): void;
  /** What the answer has to set, once a page has used `value`. */
  otherCookies(): RouteResponse['otherCookies'];
}

/** Seconds; each page with a form begins them anew. */
const LIFETIME = 24 * 60 * 60;

/** @param sessionIds The sessions that the request is a part of, if its route asks for them: at log-out, several. */
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
      // A page of whoever is signed in may lead to a form that is for everybody.
      // Whether its session is still good does not matter: the cookie tells no more than that the browser has it.
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
