import type { World } from '../context.ts';
import { isKnownBrowser } from '../core/devices.ts';
import { readCookie } from './cookies.ts';
import { cookieName } from './credential.ts';
import type { SideCookie } from './route.ts';

/** What a browser keeps beside its session: which accounts it signed in to, and which recovery it began. */
export const sideCookieName = (publicUrl: string, kind: SideCookie): string =>
  `${cookieName(publicUrl)}-${kind}`;

type DeviceWorld = Pick<World, 'publicUrl' | 'deviceTokens'>;

/** The id in the device cookie of this browser, if it was given to this account; perhaps not known any more. */
export function deviceIdOf(
  { publicUrl, deviceTokens }: DeviceWorld,
  headers: Pick<Headers, 'get'>,
  userId: string,
): string | undefined {
  const token = readCookie(headers.get('cookie'), sideCookieName(publicUrl, 'device'));
  return token === undefined ? undefined : deviceTokens.read(token, userId);
}

/** The id of this browser, if the account knows it. Asks the database only about an id that we gave out. */
export async function readDevice(
  world: DeviceWorld & Pick<World, 'db' | 'clock'>,
  headers: Pick<Headers, 'get'>,
  userId: string,
): Promise<string | undefined> {
  const id = deviceIdOf(world, headers, userId);
  if (id === undefined) return undefined;
  return (await isKnownBrowser(world.db, id, userId, world.clock.now())) ? id : undefined;
}

/** The recovery that this browser began. */
export function readFlow({ publicUrl }: World, headers: Pick<Headers, 'get'>): string | undefined {
  return readCookie(headers.get('cookie'), sideCookieName(publicUrl, 'flow'));
}
