import type { AppContext } from '../../context.ts';
import { emailValues } from '../../core/emails/kinds.ts';
import { type ListedEmail, listedEmail } from '../../core/emails/listed.ts';
import { type RetriedEmail, retryEmail } from '../../core/emails/outbox.ts';
import { type ClientInfo, recordEvent } from '../../core/events.ts';
import { HttpError } from '../../errors.ts';

type RetryContext = Pick<AppContext, 'db' | 'clock' | 'keys'>;

/**
 * Resends a rejected or failed email with the same contents, after the cause is fixed.
 *
 * @throws HttpError `not_found`; `conflict`, whose message says why it cannot be resent.
 */
export async function retryEmailNow(
  { db, clock, keys }: RetryContext,
  id: string,
  { actorId, client }: { actorId: string; client: ClientInfo },
): Promise<RetriedEmail> {
  const now = clock.now();
  const retried = await db.transaction().execute(async (tx) => {
    const email = await retryEmail(tx, id, now);
    if (!email) return undefined;
    const details = { email: id, kind: email.kind, attempts: email.attempts };
    await recordEvent(tx, 'email_retried', client, { userId: email.userId, actorId, details }, now);
    return email;
  });
  if (retried) return retried;
  const email = await listedEmail(db, keys.emails, id);
  if (!email) throw new HttpError('not_found', { message: 'Email not found. It may have been removed.' });
  throw new HttpError('conflict', {
    message: whyNotRetried(email, now) ?? 'Already being resent. Reload to see its status.',
  });
}

/** Why an email cannot be resent; undefined when it can. */
export function whyNotRetried(
  { kind, status, expiresAt, isStored }: Pick<ListedEmail, 'kind' | 'status' | 'expiresAt' | 'isStored'>,
  now: number,
): string | undefined {
  if (status === null) return 'Already queued or sending.';
  if (status === 'sent') return 'Already accepted by the mail server.';
  if (status === 'stored') return 'Kept in the development mailbox.';
  if (now >= expiresAt)
    return emailValues[kind].includes('code')
      ? 'Its link has expired. The recipient can request a new one.'
      : 'Too old to resend.';
  return isStored ? undefined : 'Its contents are no longer stored.';
}
