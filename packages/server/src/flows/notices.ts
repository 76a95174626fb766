import { countInWindow } from '../core/limits.ts';
import { type MailKind, queueMail } from '../core/mails.ts';
import type { User } from '../core/users.ts';
import type { Call } from '../edge/route.ts';
import type { World } from '../edge/world.ts';
import type { Db } from '../platform/db/index.ts';
import { recordReached } from './limit-reached.ts';

/** A mail that tells the owner of an account what was done to it: nobody asked for it, and nothing hangs on it. */
export type Notice = Extract<
  MailKind,
  | 'new_device'
  | 'device_distrusted'
  | 'refresh_reused'
  | 'password_changed'
  | 'account_deleted'
  | 'email_changed'
>;

/** Queues a notice in the transaction of what it tells; a few a day at most, so that no act of a stranger floods a mailbox. */
export async function notify(
  tx: Db,
  world: World,
  kind: Notice,
  user: Pick<User, 'id' | 'username' | 'email'>,
  origin: Call['origin'],
  more: Record<string, string> = {},
): Promise<void> {
  const { keys, clock } = world;
  const now = clock.now();
  // Counted apart, so that no number of sign-ins leaves a change of the password untold.
  const limit = kind === 'new_device' ? 'signInNoticesTo' : 'noticesTo';
  const budget = await countInWindow(tx, keys.limits, limit, user.id, now);
  if (!budget.allowed)
    return recordReached(tx, world, origin, budget, {
      userId: user.id,
      actorId: null,
      details: { mail: kind },
    });
  const values = {
    username: user.username,
    when: new Date(now).toISOString(),
    ip: origin.ip,
    user_agent: origin.userAgent,
    ...more,
  };
  // Mails to a deleted user would be dropped with the account.
  const userId = kind === 'account_deleted' ? null : user.id;
  await queueMail(tx, keys, { kind, to: user.email, userId, values, expiresAt: null }, now);
}
