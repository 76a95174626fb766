import type { World } from '../../context.ts';
import type { Purpose } from '../../core/codes/purposes.ts';
import { endVerificationsOf } from '../../core/codes.ts';
import { recordEvent } from '../../core/events.ts';
import { liftLimits } from '../../core/limits.ts';
import { endSessionsOf } from '../../core/sessions.ts';
import type { LockedUser } from '../../core/users/lock.ts';
import { setProvenPassword, type User } from '../../core/users.ts';
import type { Call } from '../../edge/route.ts';
import type { EventName } from '../../events.ts';
import { notify } from '../emails/notices.ts';
import { namesOf } from '../passwords/prove-password.ts';
import type { VerificationProof } from '../verifications/prove-mailbox.ts';

/** What strangers, and thieves of device cookies, can use up of an account's budgets. */
const ofAccount = ['password', 'passwordsInAll', 'devicesInAll', 'codesInAll', 'shortCodesInAll'] as const;

/** The verifications that take an account back, each with its event, which is also the reason for which sessions end. */
const events = {
  reset_password: 'password_reset',
  verify_email: 'address_proven',
  restore_email: 'address_restored',
} as const satisfies Partial<Record<Purpose, EventName>>;

/** What shows that somebody may take an account back. One for a new email, or for a sign-up, does not. */
export type RecoveryProof = VerificationProof<keyof typeof events>;

/**
 * Gives an account to whoever proved to read its mail: a new password, a proven address, and nothing left of whoever had
 * it before, neither sessions nor codes nor known devices, nor what strangers used up of its budgets.
 *
 * @returns The user as changed.
 */
export async function takeAccount(
  { tx, user }: LockedUser,
  world: World,
  { purpose }: RecoveryProof,
  password: { hash: string; isGenerated: boolean },
  origin: Call['origin'],
): Promise<User> {
  const now = world.clock.now();
  const reason = events[purpose];
  const taken = await setProvenPassword(tx, user.id, password.hash, password.isGenerated, now);
  await endSessionsOf(tx, user.id, reason, now);
  await endVerificationsOf(tx, user.id, 'recovery', now);
  await liftLimits(tx, world.keys.limits, [
    ...ofAccount.map((limit) => ({ limit, subject: user.id })),
    ...namesOf(user).map((subject) => ({ limit: 'passwordByName', subject }) as const),
  ]);
  await notify(tx, world, 'password_changed', taken, origin);
  await recordEvent(tx, reason, origin, { userId: user.id, actorId: user.id }, now);
  return taken;
}
