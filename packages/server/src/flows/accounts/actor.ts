import type { ClientInfo } from '../../core/events.ts';
import { type ActiveSession, isSessionActive } from '../../core/sessions.ts';
import { findById } from '../../core/users.ts';
import { HttpError } from '../../errors.ts';
import type { Db } from '../../platform/db/index.ts';

/** Who makes a change: an administrator, with the session of the request, or the operator, by a command. */
export type Actor = ActiveSession | 'operator';

/** Who makes a change, and from which client. */
export interface ChangedBy {
  actor: Actor;
  client: ClientInfo;
}

/** The `actorId` of a change: a user's id, or `operator`. */
export const actorIdOf = (actor: Actor): string => (actor === 'operator' ? actor : actor.user.id);

/**
 * Checks once more, in the transaction of an administrator's change, that the session is active and its user still an
 * administrator: either may have ended since the request was authenticated. A transaction that holds the lock of
 * `serializeAdminChanges` sees every demotion that was answered before.
 *
 * @throws HttpError `invalid_token` and `forbidden`, as for a new request.
 */
export async function checkActor(tx: Db, actor: Actor): Promise<void> {
  if (actor === 'operator') return;
  const user = await findById(tx, actor.user.id);
  if (!user || user.disabled_at !== null || !(await isSessionActive(tx, actor.session.id)))
    throw new HttpError('invalid_token');
  if (user.admin_since === null) throw new HttpError('forbidden');
}
