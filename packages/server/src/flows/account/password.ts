import { z } from 'zod';
import type { AppContext } from '../../context.ts';
import { recordEvent } from '../../core/events.ts';
import { hashPassword, normalisePassword } from '../../core/passwords.ts';
import { audienceOf, revokeSessionsOf } from '../../core/sessions.ts';
import { endVerificationsOf } from '../../core/verifications.ts';
import { type FieldError, HttpError } from '../../errors.ts';
import type { RouteResponse, SignedInCall } from '../../http/route.ts';
import { text } from '../../languages/text.ts';
import { countWrite } from '../limits/count-write.ts';
import {
  reauthenticateWithPassword,
  replaceProvenPassword,
} from '../passwords/authenticate-with-password.ts';
import { forUser } from '../passwords/hash-requester.ts';
import { type PasswordRules, weaknessOf } from '../passwords/new-password.ts';
import { finishSignIn } from '../sessions/finish-sign-in.ts';

export const changePasswordBody = z.strictObject({ current_password: z.string(), new_password: z.string() });

const SAME = {
  field: 'new_password',
  code: 'password_same',
  message: text('password.same'),
};

/**
 * Changes the caller's password. Revokes all sessions, including the current one: the caller continues with a new
 * session of the same kind, whose cookie or tokens are in the response (ASVS 7.2.4). Of all known devices, only the
 * caller's stays known.
 */
export async function changePassword(
  context: AppContext,
  { body, activeSession, client, headers }: SignedInCall<z.infer<typeof changePasswordBody>>,
): Promise<RouteResponse> {
  const { db, clock, hasher } = context;
  const { session } = activeSession;
  const faults = await faultsOf(context, body, activeSession.user);
  const from = { client, headers };
  const result = await reauthenticateWithPassword(
    context,
    activeSession,
    body.current_password,
    from,
    faults,
  );
  const { user } = result;
  // After the password: otherwise a stolen session could use up the rate limit.
  await countWrite(context, activeSession, client, 'password_changes_per_account');
  const passwordHash = await hashPassword(hasher, body.new_password, forUser(client, user.id));
  const audience = await audienceOf(db, session.id);
  const how = { kind: session.kind, audience, keptUntil: session.kept_until };
  const outcome = await finishSignIn(context, { client, headers }, how, async (tx) => {
    const now = clock.now();
    const changed = await replaceProvenPassword(tx, context, result, passwordHash);
    if (!changed) throw new HttpError('conflict');
    await revokeSessionsOf(tx, user.id, 'password_changed', now);
    await endVerificationsOf(tx, user.id, 'password_change', now);
    await recordEvent(tx, 'password_changed', client, { userId: user.id, actorId: user.id }, now);
    return changed;
  });
  switch (outcome.result) {
    case 'session':
      return {
        status: 200,
        body: { message: 'Password changed.', ...outcome.tokens },
        ...outcome.cookies,
      };
    case 'rejected':
      throw new HttpError('conflict');
  }
}

/** What is wrong with the new password. */
async function faultsOf(
  rules: PasswordRules,
  { current_password, new_password }: z.infer<typeof changePasswordBody>,
  about: { username: string; email: string },
): Promise<FieldError[]> {
  const weakness = await weaknessOf(rules, new_password, about);
  if (weakness) return [{ ...weakness, field: SAME.field }];
  return normalisePassword(new_password) === normalisePassword(current_password) ? [SAME] : [];
}
