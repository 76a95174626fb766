import type { AppContext } from '../../context.ts';
import { addDevice, DEVICE_LIFETIME, deviceName, removeDevice, renewDevice } from '../../core/devices.ts';
import { recordEvent } from '../../core/events.ts';
import type { SessionKind } from '../../core/sessions.ts';
import type { LockedUser } from '../../core/users/lock.ts';
import type { User } from '../../core/users.ts';
import { ipRange } from '../../http/client-ip.ts';
import { deviceIdOf } from '../../http/other-cookies.ts';
import type { Call } from '../../http/route.ts';
import { newId } from '../../platform/random.ts';
import { sendSecurityNotice } from '../emails/security-notices.ts';

/** A browser that is now a known device of the account. */
export interface RememberedBrowser {
  id: string;
  /** Whether the account did not know it before. */
  isNew: boolean;
  /** The device cookie to set; `maxAge` in seconds. */
  device: { value: string; maxAge: number };
}

/** Remembers the browser of a cookie session, or the program of a bearer session. */
export async function rememberClient(
  lock: LockedUser,
  context: AppContext,
  kind: SessionKind,
  call: Pick<Call, 'headers' | 'client'>,
): Promise<Pick<RememberedBrowser, 'id' | 'isNew'> & Partial<RememberedBrowser>> {
  if (kind === 'cookie') return rememberBrowser(lock, context, call);
  return rememberProgram(lock, context, call.client);
}

/**
 * Remembers this browser as a known device, in the transaction of the sign-in or of the new password. A known device
 * keeps its id and its expiry is extended, so that signing in again does not create a second device.
 */
export async function rememberBrowser(
  lock: LockedUser,
  context: AppContext,
  { headers, client }: Pick<Call, 'headers' | 'client'>,
): Promise<RememberedBrowser> {
  const { clock, deviceTokens } = context;
  const now = clock.now();
  const { id: userId } = lock.user;
  const use = { kind: 'cookie', ip: client.ip, userAgent: client.userAgent } as const;
  const given = deviceIdOf(context, headers, userId);
  const known = given && (await renewDevice(lock, { ...use, id: given }, now)) ? given : undefined;
  // An id that lost its trust never gets it back: an attacker may have a copy of its cookie.
  const id = known ?? newId();
  if (!known) await addDevice(lock, { ...use, id }, await formerName(lock, given), now);
  return {
    id,
    isNew: !known,
    device: { value: deviceTokens.make(id, userId), maxAge: DEVICE_LIFETIME / 1000 },
  };
}

/**
 * Remembers a program, which keeps no cookie, by its user agent and IP range. This grants nothing: it only tells a new
 * program, of which the owner is notified, from one that signs in again.
 *
 * @returns Its id, and whether the account did not know it before.
 */
async function rememberProgram(
  lock: LockedUser,
  { clock, deviceTokens }: Pick<AppContext, 'clock' | 'deviceTokens'>,
  { ip, userAgent }: Call['client'],
): Promise<Pick<RememberedBrowser, 'id' | 'isNew'>> {
  const now = clock.now();
  const id = deviceTokens.programId(lock.user.id, ipRange(ip), userAgent);
  const use = { id, kind: 'bearer', ip, userAgent } as const;
  if (await renewDevice(lock, use, now)) return { id, isNew: false };
  await addDevice(lock, use, await formerName(lock, id), now);
  return { id, isNew: true };
}

/** The name of a device that the account no longer knows, such as after a new password: it is still the same device. */
const formerName = ({ tx, user }: LockedUser, id: string | undefined): Promise<string | null> =>
  id === undefined ? Promise.resolve(null) : deviceName(tx, id, user.id);

/** Revokes the trust of a device after too many wrong passwords and notifies the owner: its cookie may be stolen. */
export async function distrustBrowser(
  context: AppContext,
  user: Pick<User, 'id' | 'username' | 'email' | 'locale' | 'time_zone'>,
  device: string,
  client: Call['client'],
): Promise<void> {
  await context.db.transaction().execute(async (tx) => {
    // Of several concurrent attempts, one removes it.
    if (!(await removeDevice(tx, device, user.id))) return;
    const about = { userId: user.id, actorId: null, details: { device } };
    await recordEvent(tx, 'device_trust_revoked', client, about, context.clock.now());
    await sendSecurityNotice({ context, tx, user, client }, 'device_trust_revoked');
  });
}
