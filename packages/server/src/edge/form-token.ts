import type { World } from '../context.ts';
import { Refusal } from '../errors.ts';
import { newId } from '../platform/random.ts';
import { equalSecrets, mac } from '../platform/secrets.ts';
import { readCookie } from './cookies.ts';
import { readSessionCookie } from './credential.ts';
import type { Answer } from './route.ts';
import { sideCookieName } from './side-cookies.ts';

/**
 * What a form of ours carries and no page of another site can know: bound to the session, or before there is one to a
 * cookie. `refuseCrossSite` refuses the same requests by what browsers say of themselves; this holds for those that say
 * nothing, and keeps a form of one account from being sent as another.
 */
export interface FormToken {
  /** For the forms of the page that is being made. */
  value(): string;
  /** @throws Refusal `form_expired` */
  check(given: string | undefined): void;
  /** What the answer has to set, once a page has used `value`. */
  sideCookies(): Answer['sideCookies'];
}

/** Seconds; each page with a form begins them anew. */
const LIFETIME = 24 * 60 * 60;

/** @param sessionIds The sessions that the request is a part of, if its route asks for them: at log-out, several. */
export function formToken(
  world: World,
  headers: Pick<Headers, 'get'>,
  sessionIds: readonly string[],
): FormToken {
  const { keys } = world;
  const ofSession = (id: string): string => mac(keys.form, `session ${id}`);
  const ofBrowser = (id: string): string => mac(keys.form, `browser ${id}`);
  const [sessionId] = sessionIds;
  if (sessionId !== undefined)
    return {
      value: () => ofSession(sessionId),
      check: (given) => refuseOther(given, sessionIds.map(ofSession)),
      sideCookies: () => undefined,
    };
  const id = readBrowserId(world, headers);
  let shown: string | undefined;
  return {
    value() {
      shown ??= id ?? newId();
      return ofBrowser(shown);
    },
    check(given) {
      // A page of whoever is signed in may lead to a form that is for everybody.
      // Whether its session is still good does not matter: the cookie tells no more than that the browser has it.
      const session = readSessionCookie(world, headers)?.sid;
      refuseOther(given, [...(id ? [ofBrowser(id)] : []), ...(session ? [ofSession(session)] : [])]);
    },
    sideCookies: () => (shown === undefined ? undefined : { form: { value: shown, maxAge: LIFETIME } }),
  };
}

function readBrowserId({ publicUrl }: World, headers: Pick<Headers, 'get'>): string | undefined {
  const sent = readCookie(headers.get('cookie'), sideCookieName(publicUrl, 'form'));
  return sent !== undefined && /^[\w-]{22}$/.test(sent) ? sent : undefined;
}

function refuseOther(given: string | undefined, right: string[]): void {
  if (!right.some((one) => given !== undefined && equalSecrets(given, one)))
    throw new Refusal('form_expired');
}
