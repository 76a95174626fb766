import { type ExpressionBuilder, sql } from 'kysely';
import type { Db } from '../platform/db/index.ts';
import type { DevicesTable, Tables } from '../platform/db/tables.ts';
import type { LockedUser } from './users/lock.ts';

/** How long a device stays known after its last sign-in, in milliseconds. */
export const DEVICE_LIFETIME = 90 * 24 * 60 * 60_000;
/** The maximum number of known browsers, and of known programs, per account. The least recently used one is removed. */
const MAX_DEVICES = 20;

/** A sign-in to an account from a browser or program. */
export interface DeviceUse {
  id: string;
  kind: DevicesTable['kind'];
  ip: string;
  userAgent: string;
}

/** The fields of a device that its user sees. */
const listed = ['id', 'kind', 'created_at', 'last_used_at', 'ip', 'user_agent', 'name'] as const;
export type ListedDevice = Pick<DevicesTable, (typeof listed)[number]>;

/** The account's current epoch, even within a transaction that has just incremented it. */
const epochOf = (userId: string) => sql<number>`(SELECT device_epoch FROM users WHERE id = ${userId})`;

/** A device is known if it signed in within `DEVICE_LIFETIME`, and since the last password change. */
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

/** Records a sign-in from a known device and extends its lifetime. @returns false if the account does not know it. */
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
 * Makes a device known to an account. The lock on the user's row serializes the sign-ins of an account, so concurrent
 * ones cannot exceed `MAX_DEVICES`.
 *
 * @param name The name that the user gave to it before; null if none.
 */
export async function addDevice(
  { tx, user: { id: userId } }: LockedUser,
  { id, kind, ip, userAgent }: DeviceUse,
  name: string | null,
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
      name,
    })
    .execute();
}

/** Removes devices that are no longer known, and the least recently used ones above the maximum. */
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

/** The devices that an account currently knows, most recently used first. */
export function devicesOf(db: Db, userId: string, now: number): Promise<ListedDevice[]> {
  return db
    .selectFrom('devices')
    .select(listed)
    .where(isKnown(userId, now))
    .orderBy('last_used_at', 'desc')
    .orderBy('id')
    .execute();
}

/** Names one of a user's known devices; null removes the name. @returns undefined if the user has no such device. */
export function nameDevice(
  tx: Db,
  id: string,
  userId: string,
  name: string | null,
  now: number,
): Promise<ListedDevice | undefined> {
  return tx
    .updateTable('devices')
    .set({ name })
    .where('id', '=', id)
    .where(isKnown(userId, now))
    .returning(listed)
    .executeTakeFirst();
}

/** The name of a device, known or no longer known; null if it has none. */
export async function deviceName(db: Db, id: string, userId: string): Promise<string | null> {
  const row = await db
    .selectFrom('devices')
    .select('name')
    .where('id', '=', id)
    .where('user_id', '=', userId)
    .executeTakeFirst();
  return row?.name ?? null;
}

/** Removes one of a user's devices. @returns false if the user has no such device. */
export async function removeDevice(tx: Db, id: string, userId: string): Promise<boolean> {
  const row = await tx
    .deleteFrom('devices')
    .where('id', '=', id)
    .where('user_id', '=', userId)
    .returning('id')
    .executeTakeFirst();
  return row !== undefined;
}

/** Removes all devices of a user. @returns The number of devices removed. */
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

/** Removes every user's devices. */
export async function removeEveryDevice(tx: Db): Promise<void> {
  await tx.deleteFrom('devices').execute();
}
