import type { AppContext } from '../../context.ts';
import { type ClientInfo, recordEvent } from '../../core/events.ts';
import type { User } from '../../core/users.ts';
import { HttpError } from '../../errors.ts';
import type { Call } from '../../http/route.ts';
import { type Text, text } from '../../languages/text.ts';
import { actorIdOf, type ChangedBy, checkActor } from '../accounts/actor.ts';
import { countIp } from '../limits/count-ip.ts';
import { rateLimitError, waitInWords } from '../limits/rate-limited.ts';
import { sendVerification } from '../verifications/send-verification.ts';

/**
 * Sends a user a password reset email on behalf of an administrator: the same email and rate limits as when the user
 * requests it. The caller may know of the account, so errors say why no email is sent.
 *
 * @throws HttpError `conflict` for a disabled account or without a mail server; `too_many_requests`; `busy`;
 * `invalid_token` and `forbidden` as `checkActor` does.
 */
export async function emailNewPassword(
  context: AppContext,
  user: User,
  { actor, client }: ChangedBy,
): Promise<void> {
  const { db, clock, config, hasMailbox } = context;
  if (user.disabled_at !== null)
    throw new HttpError('conflict', {
      text: text('error.user_disabled'),
    });
  if (!config.smtpUrl && !hasMailbox)
    throw new HttpError('conflict', {
      text: text('error.no_mail_server'),
    });
  if (isRequest(client)) await countIp(context, client, 'emails_per_ip_range');
  const actorId = actorIdOf(actor);
  const rateLimited = await db.transaction().execute(async (tx) => {
    await checkActor(tx, actor);
    const reader = { user, email: user.email_key, to: user.email, actorId };
    const request = { purpose: 'reset_password', ...reader } as const;
    const { emailed, rateLimited } = await sendVerification(tx, context, request, client);
    const about = { userId: user.id, actorId, details: { emailed } };
    await recordEvent(tx, 'password_reset_requested', client, about, clock.now());
    return rateLimited;
  });
  if (rateLimited) throw rateLimitError(rateLimited, enough(rateLimited.retryAfter));
}

const isRequest = (client: ClientInfo | Call['client']): client is Call['client'] => client.ip !== null;

/** @param wait In milliseconds. */
const enough = (wait: number): Text => text('limit.emails_to_user', { wait: waitInWords(wait) });
