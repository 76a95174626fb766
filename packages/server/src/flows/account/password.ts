import { z } from 'zod';
import type { World } from '../../context.ts';
import { endVerificationsOf } from '../../core/codes.ts';
import { recordEvent } from '../../core/events.ts';
import { hashPassword, normalisePassword } from '../../core/passwords.ts';
import { audienceOf, endSessionsOf } from '../../core/sessions.ts';
import type { Answer, SignedInCall } from '../../edge/route.ts';
import { Refusal } from '../../errors.ts';
import { countWrite } from '../limits/count-write.ts';
import { forUser } from '../passwords/hash-requester.ts';
import { refuseWeak } from '../passwords/new-password.ts';
import { proveOwnPassword, replaceProvenPassword } from '../passwords/prove-password.ts';
import { cannotAskForFactor, finishSignIn } from '../sessions/finish-sign-in.ts';

export const changePasswordBody = z.strictObject({ current_password: z.string(), new_password: z.string() });

const SAME = {
  field: 'new_password',
  code: 'password_same',
  message: 'This is already your password. Choose a different one.',
};

/**
 * Changes one's own password. Every session ends, this one too: the caller goes on with a new one of the same kind,
 * whose cookie or pair of tokens is in the answer (ASVS 7.2.4). Of all known browsers, only the caller's is still known.
 */
export async function changePassword(
  world: World,
  { body, live, origin, headers }: SignedInCall<z.infer<typeof changePasswordBody>>,
): Promise<Answer> {
  const { db, clock, hasher } = world;
  const { session } = live;
  await refuseWeak(world, body.new_password, live.user, 'new_password');
  if (normalisePassword(body.new_password) === normalisePassword(body.current_password))
    throw new Refusal('invalid_request', { fields: [SAME] });
  const proof = await proveOwnPassword(world, live, body.current_password, { origin, headers });
  const { user } = proof;
  // Not before: a thief of the session could use it up.
  await countWrite(world, live, origin, 'passwordChanges');
  const passwordHash = await hashPassword(hasher, body.new_password, forUser(origin, user.id));
  const how = { kind: session.kind, audience: await audienceOf(db, session.id) };
  const outcome = await finishSignIn(world, { origin, headers }, how, async (tx) => {
    const now = clock.now();
    const changed = await replaceProvenPassword(tx, world, proof, passwordHash);
    if (!changed) throw new Refusal('conflict');
    await endSessionsOf(tx, user.id, 'password_changed', now);
    await endVerificationsOf(tx, user.id, 'password_change', now);
    await recordEvent(tx, 'password_changed', origin, { userId: user.id, actorId: user.id }, now);
    return changed;
  });
  switch (outcome.result) {
    case 'session':
      return {
        status: 200,
        body: { message: 'Password changed.', ...outcome.tokens },
        ...outcome.cookies,
      };
    case 'factor_required':
      throw cannotAskForFactor();
    case 'refused':
      throw new Refusal('conflict');
  }
}
