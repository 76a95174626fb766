import { z } from 'zod';
import type { AppContext } from '../../context.ts';
import { queueEmail } from '../../core/emails.ts';
import { recordEvent } from '../../core/events.ts';
import { parseEmail } from '../../core/identifiers.ts';
import { countInWindow } from '../../core/rate-limits.ts';
import { findByIdentifier, type User } from '../../core/users.ts';
import { purposes } from '../../core/verifications/purposes.ts';
import { isOutranked } from '../../core/verifications/restore-links.ts';
import { createVerification, isEmailReserved } from '../../core/verifications.ts';
import { fieldError, HttpError } from '../../errors.ts';
import type { Call, RouteResponse, SignedInCall } from '../../http/route.ts';
import { text } from '../../languages/text.ts';
import type { Db } from '../../platform/db/index.ts';
import { countIp } from '../limits/count-ip.ts';
import { countWrite } from '../limits/count-write.ts';
import { recordRateLimitError } from '../limits/rate-limited.ts';
import { lockReauthenticated, reauthenticateWithPassword } from '../passwords/authenticate-with-password.ts';
import { sendVerification, verificationCookie } from '../verifications/send-verification.ts';
import { verificationRules } from '../verifications/verification-rules.ts';

export const changeEmailBody = z.strictObject({ email: z.string(), password: z.string() });

/** The same message whether or not another account has the email. */
export const EMAIL_CHANGE_REQUESTED = 'We’ve emailed the new address. Confirm it to finish the change.';
export const VERIFICATION_EMAIL_SENT = 'Verification email sent. Check your inbox.';

/** How long the recipient at the old email can undo a change, in days. */
const RESTORE_DAYS = purposes.restore_email.linkLifetime / (24 * 60 * 60_000);

/**
 * Requests a change of email. The new email must be verified; the old one, verified or not, gets a notice with a link
 * that undoes the change. If another account has the new email, its owner gets a notice and no code is sent.
 *
 * @throws HttpError `invalid_credentials`; `too_many_requests` also when the old email has been notified of many
 * changes today.
 */
export async function changeEmail(
  context: AppContext,
  { body, activeSession, client, headers }: SignedInCall<z.infer<typeof changeEmailBody>>,
): Promise<RouteResponse> {
  const { db, clock, keys } = context;
  const parsed = parseEmail(body.email);
  const faults = parsed.ok ? [] : [fieldError('email', parsed)];
  const from = { client, headers };
  const proof = await reauthenticateWithPassword(context, activeSession, body.password, from, faults);
  // Thrown already, which the compiler cannot know.
  if (!parsed.ok) throw new HttpError('invalid_request', { fields: faults });
  const { user } = proof;
  if (parsed.key === user.email_key)
    throw new HttpError('invalid_request', {
      fields: [{ field: 'email', code: 'email_same', message: text('email.same') }],
    });
  const about = { userId: user.id, actorId: user.id, sessionId: activeSession.session.id };
  const changes = await countInWindow(
    db,
    keys.rateLimits,
    'email_changes_per_email',
    user.email_key,
    clock.now(),
  );
  if (!changes.allowed) throw await recordRateLimitError(context, client, changes, about);
  await countIp(context, client, 'emails_per_ip_range');
  const verification = await db.transaction().execute(async (tx) => {
    const now = clock.now();
    await lockReauthenticated(tx, proof, activeSession);
    const owner = await findByIdentifier(tx, 'email', parsed.key);
    const isFree = !owner && !(await isEmailReserved(tx, keys.verifications, parsed.key, user.id, now));
    const pendingChange = { email: parsed.email, emailKey: parsed.key };
    const request = { purpose: 'change_email', user, pendingChange } as const;
    const to = isFree ? parsed.email : null;
    const { verification, emailed } = await sendVerification(
      tx,
      context,
      { ...request, owner, email: parsed.key, to },
      client,
    );
    await notifyOldEmail(tx, context, user, parsed.email, client);
    await recordEvent(tx, 'email_change_requested', client, { ...about, details: { emailed } }, now);
    return verification;
  });
  return {
    status: 202,
    body: { message: EMAIL_CHANGE_REQUESTED },
    otherCookies: verificationCookie(context, verification),
  };
}

/**
 * Notifies the old email, which can undo the change. This includes one that was never verified: its reader could
 * already have recovered the account.
 */
async function notifyOldEmail(
  tx: Db,
  { clock, config, keys, publicUrl }: Pick<AppContext, 'clock' | 'config' | 'keys' | 'publicUrl'>,
  user: Readonly<User>,
  newEmail: string,
  client: Call['client'],
): Promise<void> {
  const now = clock.now();
  const subject = {
    purpose: 'restore_email',
    userId: user.id,
    email: user.email_key,
    emailVersion: user.email_version,
  } as const;
  const pendingChange = { email: user.email, emailKey: user.email_key };
  const { id, link } = await createVerification(
    tx,
    keys,
    subject,
    verificationRules(config),
    now,
    pendingChange,
  );
  const outranked = await isOutranked(tx, user.id, id, now);
  const values = {
    username: user.username,
    new_email: newEmail,
    link: `${publicUrl}${purposes.restore_email.page}#token=${link}`,
    days: String(RESTORE_DAYS),
    outranked_days: outranked ? String(RESTORE_DAYS) : '',
    when: new Date(now).toISOString(),
    ip: client.ip,
    user_agent: client.userAgent,
  };
  const email = {
    kind: 'email_changing',
    to: user.email,
    userId: user.id,
    language: user.locale,
    timeZone: user.time_zone,
    values,
    expiresAt: null,
  } as const;
  await queueEmail(tx, keys, email, now);
}

/** Sends another code and link to an email that is not verified yet. */
export async function resendVerification(
  context: AppContext,
  { activeSession, client }: SignedInCall,
): Promise<RouteResponse> {
  const { user } = activeSession;
  if (user.email_verified_at !== null)
    throw new HttpError('conflict', { text: text('email.verified_already') });
  const parsed = parseEmail(user.email);
  if (!parsed.ok) throw new HttpError('conflict');
  await countWrite(context, activeSession, client, 'verification_emails_per_account');
  await countIp(context, client, 'emails_per_ip_range');
  await context.db.transaction().execute(async (tx) => {
    const request = { purpose: 'verify_email', user, to: user.email } as const;
    await sendVerification(tx, context, { ...request, email: parsed.key }, client);
  });
  return { status: 202, body: { message: VERIFICATION_EMAIL_SENT } };
}
