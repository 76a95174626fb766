import type { AppContext } from '../../context.ts';
import { isAfterDeletion, type NoticeKind, type ValuesOf } from '../../core/emails/kinds.ts';
import { queueEmail } from '../../core/emails.ts';
import { type ClientInfo, isByOther } from '../../core/events.ts';
import { countInWindow } from '../../core/rate-limits.ts';
import type { User } from '../../core/users.ts';
import type { Db } from '../../platform/db/index.ts';
import { recordRateLimit } from '../limits/rate-limited.ts';

/** The change that a notice reports. A `Change` by an administrator or by a command is one, too. */
interface Reported {
  context: AppContext;
  tx: Db;
  user: Pick<User, 'id' | 'username' | 'email' | 'locale' | 'time_zone'>;
  client: ClientInfo;
  /** Who made the change, if it was not the user or a stranger. The notice then does not state the client. */
  actorId?: string;
}

/** The values of a notice besides the username and the time. */
type More<K extends NoticeKind> = Omit<ValuesOf<K>, 'username' | 'when'>;

type NoticeLimit = 'new_device_notices_per_account' | 'role_notices_per_account';

/**
 * The notices with a limit of their own. Neither sign-ins nor administrators who change a role back and forth can
 * suppress the notice of a password change.
 */
const ownLimits: Partial<Record<NoticeKind, NoticeLimit>> = {
  new_device: 'new_device_notices_per_account',
  admin_role_granted: 'role_notices_per_account',
  admin_role_removed: 'role_notices_per_account',
};

/**
 * Queues a security notice in the transaction of the event that it reports. A daily rate limit keeps strangers from
 * flooding a mailbox.
 */
export async function sendSecurityNotice<K extends NoticeKind>(
  { context, tx, user, client, actorId }: Reported,
  kind: K,
  ...[more]: object extends More<K> ? [] : [More<K>]
): Promise<void> {
  const { keys, clock } = context;
  const now = clock.now();
  const other = actorId !== undefined && isByOther({ userId: user.id, actorId }) ? actorId : null;
  const limit = ownLimits[kind] ?? 'security_notices_per_account';
  const rateLimit = await countInWindow(tx, keys.rateLimits, limit, user.id, now);
  if (!rateLimit.allowed)
    return recordRateLimit(tx, context, client, rateLimit, {
      userId: user.id,
      actorId: other,
      details: { email: kind },
    });
  const values = {
    username: user.username,
    when: new Date(now).toISOString(),
    ip: (other === null && client.ip) || '',
    user_agent: (other === null && client.userAgent) || '',
    ...more,
  } as ValuesOf<K> & { ip: string; user_agent: string };
  // An email with a user id would be deleted together with the account.
  const userId = isAfterDeletion(kind) ? null : user.id;
  const reader = { language: user.locale, timeZone: user.time_zone };
  await queueEmail(tx, keys, { kind, to: user.email, userId, ...reader, values, expiresAt: null }, now);
}
