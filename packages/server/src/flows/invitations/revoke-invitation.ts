import type { AppContext } from '../../context.ts';
import { recordEvent } from '../../core/events.ts';
import { serializeAdminChanges } from '../../core/installation.ts';
import { endInvitation, findInvitation } from '../../core/verifications/invitations.ts';
import { actorIdOf, type ChangedBy, checkActor } from '../accounts/actor.ts';
import { invitationNotFound } from './invite.ts';

/**
 * Revokes an invitation: its link no longer works.
 *
 * @throws HttpError `not_found`; `invalid_token` and `forbidden` as `checkActor` does.
 */
export async function revokeInvitation(
  { db, keys, clock }: Pick<AppContext, 'db' | 'keys' | 'clock'>,
  id: string,
  { actor, client }: ChangedBy,
): Promise<void> {
  await db.transaction().execute(async (tx) => {
    const now = clock.now();
    await serializeAdminChanges(tx);
    await checkActor(tx, actor);
    const open = await findInvitation(tx, keys, id, now);
    if (!open || !(await endInvitation(tx, id, now))) throw invitationNotFound();
    const about = { userId: null, actorId: actorIdOf(actor), details: { invitation: id } };
    await recordEvent(tx, 'invitation_revoked', client, about, now);
  });
}
