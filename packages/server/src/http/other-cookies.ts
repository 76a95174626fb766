import type { AppContext } from '../context.ts';
import { isKnownBrowser } from '../core/devices.ts';
import { readCookie, readCookies } from './cookies.ts';
import { cookieName } from './credential.ts';

/**
 * The cookies besides the session's: the known device, the verification that the browser started, the form token,
 * access to the mailbox page, and the name to sign in with after a reset of the password.
 */
export type OtherCookie = 'device' | 'verification' | 'form' | 'mailbox' | 'name';

/** The names of the cookies besides the session's, such as the device cookie and the verification cookie. */
export const otherCookieName = (publicUrl: string, kind: OtherCookie): string =>
  `${cookieName(publicUrl)}-${kind}`;

type DeviceContext = Pick<AppContext, 'publicUrl' | 'deviceTokens'>;

/** The id in this browser's device cookie, if it was issued for this account; the account may no longer know it. */
export function deviceIdOf(
  { publicUrl, deviceTokens }: DeviceContext,
  headers: Pick<Headers, 'get'>,
  userId: string,
): string | undefined {
  const token = readCookie(headers.get('cookie'), otherCookieName(publicUrl, 'device'));
  return token === undefined ? undefined : deviceTokens.read(token, userId);
}

/**
 * The id of this browser, if it is a known device of the account. Queries the database only for an id that we issued.
 */
export async function readDevice(
  context: DeviceContext & Pick<AppContext, 'db' | 'clock'>,
  headers: Pick<Headers, 'get'>,
  userId: string,
): Promise<string | undefined> {
  const id = deviceIdOf(context, headers, userId);
  if (id === undefined) return undefined;
  return (await isKnownBrowser(context.db, id, userId, context.clock.now())) ? id : undefined;
}

/** The id of the verification that this browser started. */
export function readVerificationCookie(
  { publicUrl }: AppContext,
  headers: Pick<Headers, 'get'>,
): string | undefined {
  return readCookie(headers.get('cookie'), otherCookieName(publicUrl, 'verification'));
}

/**
 * The cookie that fills in the next sign-in page. It is not in the URL, where logs would have it.
 *
 * @param name The username of the user whose password was just reset.
 */
export const nameCookie = (name: string) => ({ name: { value: encodeURIComponent(name), maxAge: 600 } });

/** The name of `nameCookie`; undefined for what we did not write. */
export function readNameCookie(
  { publicUrl }: Pick<AppContext, 'publicUrl'>,
  headers: Pick<Headers, 'get'>,
): string | undefined {
  const [sent = ''] = readCookies(headers.get('cookie'), otherCookieName(publicUrl, 'name'));
  if (sent === '' || sent.length > 1_000 || !/^(?:%[0-9A-F]{2}|[\w!'()*.~-])+$/.test(sent)) return undefined;
  try {
    return decodeURIComponent(sent);
  } catch {
    return undefined;
  }
}
