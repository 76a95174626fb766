import type { AppContext } from '../../context.ts';
import type { NoticeKind, ValuesOf } from '../../core/emails/kinds.ts';
import { queueEmail } from '../../core/emails.ts';
import { countInWindow } from '../../core/rate-limits.ts';
import type { User } from '../../core/users.ts';
import type { Call } from '../../http/route.ts';
import type { Db } from '../../platform/db/index.ts';
import { recordRateLimit } from '../limits/rate-limited.ts';

/** The values of a notice besides the username and the time. */
type More<K extends NoticeKind> = Omit<ValuesOf<K>, 'username' | 'when'>;

/**
 * Queues a security notice in the transaction of the event that it reports. A daily rate limit keeps strangers from
 * flooding a mailbox.
 */
export async function sendSecurityNotice<K extends NoticeKind>(
  tx: Db,
  context: AppContext,
  kind: K,
  user: Pick<User, 'id' | 'username' | 'email' | 'locale'>,
  client: Call['client'],
  ...[more]: object extends More<K> ? [] : [More<K>]
): Promise<void> {
  const { keys, clock } = context;
  const now = clock.now();
  // New-device notices have their own limit, so that sign-ins cannot suppress the notice of a password change.
  const limit = kind === 'new_device' ? 'new_device_notices_per_account' : 'security_notices_per_account';
  const rateLimit = await countInWindow(tx, keys.rateLimits, limit, user.id, now);
  if (!rateLimit.allowed)
    return recordRateLimit(tx, context, client, rateLimit, {
      userId: user.id,
      actorId: null,
      details: { email: kind },
    });
  const values = {
    username: user.username,
    when: new Date(now).toISOString(),
    ip: client.ip,
    user_agent: client.userAgent,
    ...more,
  } as ValuesOf<K> & { ip: string; user_agent: string };
  // An email with a user id would be deleted together with the account.
  const userId = kind === 'account_deleted' ? null : user.id;
  await queueEmail(
    tx,
    keys,
    { kind, to: user.email, userId, language: user.locale, values, expiresAt: null },
    now,
  );
}
