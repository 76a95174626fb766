import { Refusal } from '../errors.ts';
import { newId } from '../platform/random.ts';
import { equalSecrets, mac } from '../platform/secrets.ts';
import { readCookie } from './cookies.ts';
import type { Answer } from './route.ts';
import { sideCookieName } from './side-cookies.ts';
import type { World } from './world.ts';

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

/** @param sessionId Whose session the request is a part of, if it is. */
export function formToken(
  { keys, publicUrl }: World,
  headers: Pick<Headers, 'get'>,
  sessionId: string | undefined,
): FormToken {
  if (sessionId !== undefined) {
    const value = () => mac(keys.form, `session ${sessionId}`);
    return { value, check: (given) => refuseOther(given, value()), sideCookies: () => undefined };
  }
  const sent = readCookie(headers.get('cookie'), sideCookieName(publicUrl, 'form'));
  const id = sent !== undefined && /^[\w-]{22}$/.test(sent) ? sent : undefined;
  let shown: string | undefined;
  return {
    value() {
      shown ??= id ?? newId();
      return mac(keys.form, `browser ${shown}`);
    },
    check: (given) => refuseOther(given, id && mac(keys.form, `browser ${id}`)),
    sideCookies: () => (shown === undefined ? undefined : { form: { value: shown, maxAge: LIFETIME } }),
  };
}

function refuseOther(given: string | undefined, right: string | undefined): void {
  if (given === undefined || !right || !equalSecrets(given, right)) throw new Refusal('form_expired');
}
