import type { KeyObject } from 'node:crypto';
import { OPERATOR, recordEvent } from '../core/events.ts';
import { serializeKeyChanges } from '../core/installation.ts';
import { KEY_LIFETIME, newestKeyAge, rotateKey } from '../core/keys.ts';
import type { Clock } from '../platform/clock.ts';
import type { Db } from '../platform/db/index.ts';

/** Creates the next signing key when the newest is old enough. Only one of several processes does. */
export async function rotateOldKey(
  { db, clock, keys }: { db: Db; clock: Clock; keys: { wrap: KeyObject } },
  algorithm: string,
): Promise<void> {
  const now = clock.now();
  if ((await newestKeyAge(db, now)) < KEY_LIFETIME) return;
  await db.transaction().execute(async (tx) => {
    await serializeKeyChanges(tx);
    if ((await newestKeyAge(tx, now)) < KEY_LIFETIME) return;
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
