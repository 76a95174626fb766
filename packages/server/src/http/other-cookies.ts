import type { AppContext } from '../context.ts';
import { isKnownBrowser } from '../core/devices.ts';
import { readCookie } from './cookies.ts';
import { cookieName } from './credential.ts';

/**
 * The cookies besides the session's: the known device, the verification that the browser started, the form token, and
 * access to the mailbox page.
 */
export type OtherCookie = 'device' | 'verification' | 'form' | 'mailbox';

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
