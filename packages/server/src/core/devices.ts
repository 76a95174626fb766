import { type ExpressionBuilder, sql } from 'kysely';
import type { Db } from '../platform/db/index.ts';
import type { DevicesTable, Tables } from '../platform/db/tables.ts';
import type { LockedUser } from './users/lock.ts';

/** A device is known for so long after its last sign-in, in milliseconds. */
export const DEVICE_LIFETIME = 90 * 24 * 60 * 60_000;
/** More browsers than this, or more programs, and the least recently used one is removed. */
const MAX_DEVICES = 20;

/** A sign-in to an account from a browser or program. */
export interface DeviceUse {
  id: string;
  kind: DevicesTable['kind'];
  ip: string;
  userAgent: string;
}

/** What is shown of a device. */
export type ListedDevice = Pick<
  DevicesTable,
  'id' | 'kind' | 'created_at' | 'last_used_at' | 'ip' | 'user_agent'
>;

/** The account's epoch as it is now, also within a transaction that has just raised it. */
const epochOf = (userId: string) => sql<number>`(SELECT device_epoch FROM users WHERE id = ${userId})`;

/** The account knows a device that signed in within `DEVICE_LIFETIME`, and with the password of today. */
const isKnown = (userId: string, now: number) => (device: ExpressionBuilder<Tables, 'devices'>) =>
  device.and([
    device('user_id', '=', userId),
    device('epoch', '=', epochOf(userId)),
    device('last_used_at', '>', now - DEVICE_LIFETIME),
  ]);

/** Whether the account knows this browser. */
export async function isKnownBrowser(db: Db, id: string, userId: string, now: number): Promise<boolean> {
  const row = await db
    .selectFrom('devices')
    .select('id')
    .where('id', '=', id)
    .where('kind', '=', 'cookie')
    .where(isKnown(userId, now))
    .executeTakeFirst();
  return row !== undefined;
}

/** Notes a sign-in from a known device, which is known for longer by it. @returns false when the account does not know it. */
export async function renewDevice(
  { tx, user }: LockedUser,
  { id, kind, ip, userAgent }: DeviceUse,
  now: number,
): Promise<boolean> {
  const renewed = await tx
    .updateTable('devices')
    .set({ last_used_at: now, ip, user_agent: userAgent })
    .where('id', '=', id)
    .where('kind', '=', kind)
    .where(isKnown(user.id, now))
    .returning('id')
    .executeTakeFirst();
  return renewed !== undefined;
}

/**
 * Makes a device known to an account. The lock on the user's row has the sign-ins of one account come one after the other, so
 * that none makes a device too many.
 */
export async function addDevice(
  { tx, user: { id: userId } }: LockedUser,
  { id, kind, ip, userAgent }: DeviceUse,
  now: number,
): Promise<void> {
  await makeRoom(tx, userId, kind, now);
  await tx
    .insertInto('devices')
    .values({
      id,
      user_id: userId,
      kind,
      epoch: epochOf(userId),
      created_at: now,
      last_used_at: now,
      ip,
      user_agent: userAgent,
    })
    .execute();
}

/** Removes the devices that are not known any more, and of the others the least recently used that are too many. */
async function makeRoom(tx: Db, userId: string, kind: DevicesTable['kind'], now: number): Promise<void> {
  const kept = tx
    .selectFrom('devices')
    .select('id')
    .where('kind', '=', kind)
    .where(isKnown(userId, now))
    .orderBy('last_used_at', 'desc')
    .orderBy('created_at', 'desc')
    .orderBy('id')
    .limit(MAX_DEVICES - 1);
  await tx
    .deleteFrom('devices')
    .where('user_id', '=', userId)
    .where('kind', '=', kind)
    .where('id', 'not in', kept)
    .execute();
}

/** The devices that an account knows now, the one used last first. */
export function devicesOf(db: Db, userId: string, now: number): Promise<ListedDevice[]> {
  return db
    .selectFrom('devices')
    .select(['id', 'kind', 'created_at', 'last_used_at', 'ip', 'user_agent'])
    .where(isKnown(userId, now))
    .orderBy('last_used_at', 'desc')
    .orderBy('id')
    .execute();
}

/** Removes one device of a user. @returns false when the user has no such device. */
export async function removeDevice(tx: Db, id: string, userId: string): Promise<boolean> {
  const row = await tx
    .deleteFrom('devices')
    .where('id', '=', id)
    .where('user_id', '=', userId)
    .returning('id')
    .executeTakeFirst();
  return row !== undefined;
}

/** Removes all devices of a user. @returns How many there were. */
export async function removeDevicesOf(tx: Db, userId: string): Promise<number> {
  const rows = await tx.deleteFrom('devices').where('user_id', '=', userId).returning('id').execute();
  return rows.length;
}

/** Removes the devices that have expired. */
export async function deleteOldDevices(db: Db, now: number): Promise<void> {
  await db
    .deleteFrom('devices')
    .where('last_used_at', '<=', now - DEVICE_LIFETIME)
    .execute();
}

/** Removes the devices of everybody. */
export async function removeEveryDevice(tx: Db): Promise<void> {
  await tx.deleteFrom('devices').execute();
}
