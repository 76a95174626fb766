import type { World } from '../../context.ts';
import { endOutrankedLinks } from '../../core/codes/restore-links.ts';
import { endFlowsOf } from '../../core/codes.ts';
import { liftLimits } from '../../core/limits.ts';
import { type EndReason, endSessionsOf } from '../../core/sessions.ts';
import { setProvenPassword, type User } from '../../core/users.ts';
import type { Call } from '../../edge/route.ts';
import type { Db } from '../../platform/db/index.ts';
import { notify } from '../emails/notices.ts';
import { namesOf } from '../passwords/prove-password.ts';

/** What strangers, and thieves of device cookies, can use up of an account's budgets. */
const ofAccount = ['password', 'passwordsInAll', 'devicesInAll', 'codesInAll', 'shortCodesInAll'] as const;

/**
 * Gives an account to whoever proved to read its mail: a new password, a proven address, and nothing left of whoever had
 * it before, neither sessions nor codes nor known devices, nor what strangers used up of its budgets.
 */
export async function takeAccount(
  tx: Db,
  world: World,
  user: User,
  password: { hash: string; isGenerated: boolean },
  reason: EndReason,
  origin: Call['origin'],
): Promise<void> {
  const now = world.clock.now();
  await setProvenPassword(tx, user.id, password.hash, password.isGenerated, now);
  await endSessionsOf(tx, user.id, reason, now);
  await endFlowsOf(tx, user.id, now, ['reset_password', 'change_email', 'verify_email']);
  await endOutrankedLinks(tx, user.id, now);
  await liftLimits(tx, world.keys.limits, [
    ...ofAccount.map((limit) => ({ limit, subject: user.id })),
    ...namesOf(user).map((subject) => ({ limit: 'passwordByName', subject }) as const),
  ]);
  await notify(tx, world, 'password_changed', user, origin);
}
