import type { AppContext } from '../../context.ts';
import { recordEvent } from '../../core/events.ts';
import { serializeKeyChanges } from '../../core/installation.ts';
import { listKeys, rotateKey, stateKeys } from '../../core/keys.ts';
import { actorIdOf, type ChangedBy, checkActor } from '../accounts/actor.ts';

/** The public properties of a signing key. */
export type ShownKey = Awaited<ReturnType<typeof keysOf>>[number];

/** The signing keys with their current state, newest first. */
export const keysOf = async ({ db, clock }: Pick<AppContext, 'db' | 'clock'>) =>
  stateKeys(await listKeys(db), clock.now());

/**
 * Creates the next signing key.
 *
 * @param leaked Rejects what the old keys signed: in this process before it returns, in others within a second.
 * @throws HttpError `invalid_token` and `forbidden` as `checkActor` does.
 */
export async function rotateSigningKey(
  { db, clock, keys, keyring, config }: Pick<AppContext, 'db' | 'clock' | 'keys' | 'keyring' | 'config'>,
  leaked: boolean,
  { actor, client }: ChangedBy,
): Promise<ShownKey> {
  const made = await db.transaction().execute(async (tx) => {
    await serializeKeyChanges(tx);
    await checkActor(tx, actor);
    const now = clock.now();
    const { id } = await rotateKey(tx, keys.wrap, config.signingAlgorithm, leaked, now);
    await recordEvent(
      tx,
      'key_rotated',
      client,
      { userId: null, actorId: actorIdOf(actor), details: { key: id, leaked } },
      now,
    );
    return (await keysOf({ db: tx, clock })).find((key) => key.id === id) as ShownKey;
  });
  await keyring.reload();
  return made;
}
