import type { AppContext } from '../../context.ts';
import { recordEvent } from '../../core/events.ts';
import { resetRateLimits } from '../../core/rate-limits.ts';
import { revokeSessionsOf } from '../../core/sessions.ts';
import type { LockedUser } from '../../core/users/lock.ts';
import { setRecoveredPassword, type User } from '../../core/users.ts';
import type { Purpose } from '../../core/verifications/purposes.ts';
import { endVerificationsOf } from '../../core/verifications.ts';
import type { EventName } from '../../events.ts';
import type { Call } from '../../http/route.ts';
import { sendSecurityNotice } from '../emails/security-notices.ts';
import { identifiersOf } from '../passwords/authenticate-with-password.ts';
import type { VerificationProof } from '../verifications/check-verification.ts';

/** The rate limits of an account that strangers and thieves of device cookies can use up. */
const ofAccount = [
  'passwords_per_account',
  'passwords_per_account_total',
  'passwords_per_account_known_devices',
  'codes_per_account_total',
  'short_codes_per_account_total',
] as const;

/**
 * The purposes that recover an account, each with its event, which is also the reason recorded for the revoked
 * sessions.
 */
const events = {
  reset_password: 'password_reset',
  verify_email: 'email_verified',
  restore_email: 'email_restored',
} as const satisfies Partial<Record<Purpose, EventName>>;

/** Proof that the caller may recover an account. Verifications of a new email or of a sign-up are not enough. */
export type RecoveryProof = VerificationProof<keyof typeof events>;

/**
 * Recovers an account for the person who proved access to its email: sets a new password, marks the email as verified,
 * revokes all sessions, codes and known devices of the previous user, and resets the rate limits that strangers used
 * up.
 *
 * @returns The updated user.
 */
export async function recoverAccount(
  { tx, user }: LockedUser,
  context: AppContext,
  { purpose }: RecoveryProof,
  password: { hash: string; isGenerated: boolean },
  client: Call['client'],
): Promise<User> {
  const now = context.clock.now();
  const reason = events[purpose];
  const taken = await setRecoveredPassword(tx, user.id, password.hash, password.isGenerated, now);
  await revokeSessionsOf(tx, user.id, reason, now);
  await endVerificationsOf(tx, user.id, 'recovery', now);
  await resetRateLimits(tx, context.keys.rateLimits, [
    ...ofAccount.map((limit) => ({ limit, subject: user.id })),
    ...identifiersOf(user).map((subject) => ({ limit: 'passwords_per_identifier', subject }) as const),
  ]);
  await sendSecurityNotice({ context, tx, user: taken, client }, 'password_changed');
  await recordEvent(tx, reason, client, { userId: user.id, actorId: user.id }, now);
  return taken;
}
