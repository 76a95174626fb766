import type { World } from '../../context.ts';
import { type Origin, recordEvent } from '../../core/events.ts';
import { mailValues } from '../../core/mails/kinds.ts';
import { type ListedMail, listedMail } from '../../core/mails/listed.ts';
import { type RetriedMail, retryMail } from '../../core/mails/outbox.ts';
import { Refusal } from '../../errors.ts';

type Place = Pick<World, 'db' | 'clock' | 'keys'>;

/**
 * Resends a rejected or failed email with the same contents, after the cause is fixed.
 *
 * @throws Refusal `not_found`; `conflict`, which says why it cannot be sent again.
 */
export async function sendMailAgain(
  { db, clock, keys }: Place,
  id: string,
  { actorId, origin }: { actorId: string; origin: Origin },
): Promise<RetriedMail> {
  const now = clock.now();
  const retried = await db.transaction().execute(async (tx) => {
    const mail = await retryMail(tx, id, now);
    if (!mail) return undefined;
    const details = { mail: id, kind: mail.kind, tries: mail.tries };
    await recordEvent(tx, 'mail_retried', origin, { userId: mail.userId, actorId, details }, now);
    return mail;
  });
  if (retried) return retried;
  const mail = await listedMail(db, keys.mail, id);
  if (!mail) throw new Refusal('not_found', { message: 'Email not found. It may have been removed.' });
  throw new Refusal('conflict', {
    message: whyNotAgain(mail, now) ?? 'Already being resent. Reload to see its status.',
  });
}

/** Why an email cannot be resent; undefined when it can. */
export function whyNotAgain(
  { kind, outcome, expiresAt, isKept }: Pick<ListedMail, 'kind' | 'outcome' | 'expiresAt' | 'isKept'>,
  now: number,
): string | undefined {
  if (outcome === null) return 'Already queued or sending.';
  if (outcome === 'sent') return 'Already accepted by the mail server.';
  if (outcome === 'kept') return 'Kept in the development mailbox.';
  if (now >= expiresAt)
    return mailValues[kind].includes('code')
      ? 'Its link has expired. The recipient can request a new one.'
      : 'Too old to resend.';
  return isKept ? undefined : 'Its contents are no longer stored.';
}
