import type { KeyObject } from 'node:crypto';
import { OPERATOR, recordEvent } from '../core/events.ts';
import { serializeKeyChanges } from '../core/installation.ts';
import { newestKeyAge, rotateKey } from '../core/keys.ts';
import type { Clock } from '../platform/clock.ts';
import type { Db } from '../platform/db/index.ts';

/** The lifetime of a signing key until the next one is created, in milliseconds. */
const ROTATION = 90 * 24 * 60 * 60_000;

/** Creates the next signing key when the newest is old enough. Only one of several processes does. */
export async function rotateOldKey(
  { db, clock, keys }: { db: Db; clock: Clock; keys: { wrap: KeyObject } },
  algorithm: string,
): Promise<void> {
  const now = clock.now();
  if ((await newestKeyAge(db, now)) < ROTATION) return;
  await db.transaction().execute(async (tx) => {
    await serializeKeyChanges(tx);
    if ((await newestKeyAge(tx, now)) < ROTATION) return;
    const { id } = await rotateKey(tx, keys.wrap, algorithm, false, now);
    await recordEvent(
      tx,
      'key_rotated',
      OPERATOR,
      { userId: null, actorId: null, details: { key: id } },
      now,
    );
  });
}
