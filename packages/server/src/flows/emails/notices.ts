import type { World } from '../../context.ts';
import { countInWindow } from '../../core/limits.ts';
import type { NoticeKind, ValuesOf } from '../../core/mails/kinds.ts';
import { queueMail } from '../../core/mails.ts';
import type { User } from '../../core/users.ts';
import type { Call } from '../../edge/route.ts';
import type { Db } from '../../platform/db/index.ts';
import { recordReached } from '../limits/limit-reached.ts';

/** What a notice says beside whose account it is about, and when. */
type More<K extends NoticeKind> = Omit<ValuesOf<K>, 'username' | 'when'>;

/** Queues a notice in the transaction of what it tells; a few a day at most, so that no act of a stranger floods a mailbox. */
export async function notify<K extends NoticeKind>(
  tx: Db,
  world: World,
  kind: K,
  user: Pick<User, 'id' | 'username' | 'email'>,
  origin: Call['origin'],
  ...[more]: object extends More<K> ? [] : [More<K>]
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
  } as ValuesOf<K> & { ip: string; user_agent: string };
  // Mails to a deleted user would be dropped with the account.
  const userId = kind === 'account_deleted' ? null : user.id;
  await queueMail(tx, keys, { kind, to: user.email, userId, values, expiresAt: null }, now);
}
