import type { AppContext } from '../context.ts';
import { isKnownBrowser } from '../core/devices.ts';
import { readCookie } from './cookies.ts';
import { cookieName } from './credential.ts';
import type { OtherCookie } from './route.ts';

/** What a browser keeps beside its session: which accounts it signed in to, and which recovery it began. */
export const otherCookieName = (publicUrl: string, kind: OtherCookie): string =>
  `${cookieName(publicUrl)}-${kind}`;

type DeviceContext = Pick<AppContext, 'publicUrl' | 'deviceTokens'>;

/** The id in the device cookie of this browser, if it was given to this account; perhaps not known any more. */
export function deviceIdOf(
  { publicUrl, deviceTokens }: DeviceContext,
  headers: Pick<Headers, 'get'>,
  userId: string,
): string | undefined {
  const token = readCookie(headers.get('cookie'), otherCookieName(publicUrl, 'device'));
  return token === undefined ? undefined : deviceTokens.read(token, userId);
}

/** The id of this browser, if the account knows it. Asks the database only about an id that we gave out. */
export async function readDevice(
  context: DeviceContext & Pick<AppContext, 'db' | 'clock'>,
  headers: Pick<Headers, 'get'>,
  userId: string,
): Promise<string | undefined> {
  const id = deviceIdOf(context, headers, userId);
  if (id === undefined) return undefined;
  return (await isKnownBrowser(context.db, id, userId, context.clock.now())) ? id : undefined;
}

/** The recovery that this browser began. */
export function readVerificationCookie(
  { publicUrl }: AppContext,
  headers: Pick<Headers, 'get'>,
): string | undefined {
  return readCookie(headers.get('cookie'), otherCookieName(publicUrl, 'verification'));
}
