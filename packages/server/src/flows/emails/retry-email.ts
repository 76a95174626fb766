import type { AppContext } from '../../context.ts';
import { emailValues } from '../../core/emails/kinds.ts';
import { type ListedEmail, listedEmail } from '../../core/emails/listed.ts';
import { type RetriedEmail, retryEmail } from '../../core/emails/outbox.ts';
import { recordEvent } from '../../core/events.ts';
import { HttpError } from '../../errors.ts';
import { type Text, text } from '../../languages/text.ts';
import { actorIdOf, type ChangedBy, checkActor } from '../accounts/actor.ts';

type RetryContext = Pick<AppContext, 'db' | 'clock' | 'keys'>;

/**
 * Resends a rejected or failed email with the same contents, after the cause is fixed.
 *
 * @throws HttpError `not_found`; `conflict`, whose message says why it cannot be resent; `invalid_token` and `forbidden` as
 * `checkActor` does.
 */
export async function retryEmailNow(
  { db, clock, keys }: RetryContext,
  id: string,
  { actor, client }: ChangedBy,
): Promise<RetriedEmail> {
  const now = clock.now();
  const retried = await db.transaction().execute(async (tx) => {
    await checkActor(tx, actor);
    const email = await retryEmail(tx, id, now);
    if (!email) return undefined;
    const details = { email: id, kind: email.kind, attempts: email.attempts };
    const about = { userId: email.userId, actorId: actorIdOf(actor), details };
    await recordEvent(tx, 'email_retried', client, about, now);
    return email;
  });
  if (retried) return retried;
  const email = await listedEmail(db, keys.emails, id);
  if (!email) throw new HttpError('not_found', { text: text('error.email_not_found') });
  throw new HttpError('conflict', {
    text: reasonNotRetryable(email, now) ?? text('error.email_retried'),
  });
}

/** Why an email cannot be resent; undefined when it can. */
export function reasonNotRetryable(
  { kind, status, expiresAt, isStored }: Pick<ListedEmail, 'kind' | 'status' | 'expiresAt' | 'isStored'>,
  now: number,
): Text | undefined {
  if (status === null) return text('error.email_queued');
  if (status === 'sent') return text('error.email_sent');
  if (status === 'stored') return text('error.email_stored');
  if (now >= expiresAt)
    return emailValues[kind].includes('code')
      ? text('error.email_link_expired')
      : text('error.email_too_old');
  return isStored ? undefined : text('error.email_removed');
}
