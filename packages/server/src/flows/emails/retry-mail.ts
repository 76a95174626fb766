import type { World } from '../../context.ts';
import { type Origin, recordEvent } from '../../core/events.ts';
import { mailValues } from '../../core/mails/kinds.ts';
import { type ListedMail, listedMail } from '../../core/mails/listed.ts';
import { type RetriedMail, retryMail } from '../../core/mails/outbox.ts';
import { Refusal } from '../../errors.ts';

type Place = Pick<World, 'db' | 'clock' | 'keys'>;

/**
 * Has a mail sent again that was refused or given up, with all that it says, once the cause is out of the way.
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
  if (!mail) throw new Refusal('not_found', { message: 'There is no such mail, or not any more.' });
  throw new Refusal('conflict', {
    message: whyNotAgain(mail, now) ?? 'It was being sent again. Look again.',
  });
}

/** Why a mail cannot be sent again; undefined when it can. */
export function whyNotAgain(
  { kind, outcome, expiresAt, isKept }: Pick<ListedMail, 'kind' | 'outcome' | 'expiresAt' | 'isKept'>,
  now: number,
): string | undefined {
  if (outcome === null) return 'It waits to be sent, or is being sent.';
  if (outcome === 'sent') return 'The mail server took it.';
  if (outcome === 'kept') return 'It is kept on this machine instead of being sent.';
  if (now >= expiresAt)
    return mailValues[kind].includes('code')
      ? 'Its code has run out. Whoever waits for it asks for a new one.'
      : 'It is too old to be worth sending.';
  return isKept ? undefined : 'What it said is not kept any more.';
}
