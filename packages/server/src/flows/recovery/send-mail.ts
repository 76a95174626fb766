import { z } from 'zod';
import type { AppContext } from '../../context.ts';
import { recordEvent } from '../../core/events.ts';
import { parseEmail } from '../../core/identifiers.ts';
import { countInWindow } from '../../core/rate-limits.ts';
import { findByIdentifier, lockSignIns } from '../../core/users.ts';
import { fieldError, HttpError } from '../../errors.ts';
import { readDevice } from '../../http/other-cookies.ts';
import type { Call, RouteResponse } from '../../http/route.ts';
import type { Db } from '../../platform/db/index.ts';
import { countIp } from '../limits/count-ip.ts';
import { recordRateLimit } from '../limits/rate-limited.ts';
import { sendVerification, verificationCookie } from '../verifications/send-verification.ts';

export const sendMailBody = z.strictObject({ email: z.string() });

/** The same message for every request: it does not reveal whether there is an account. */
export const RECOVERY_EMAIL_SENT = 'If there’s an account for this email, we’ve sent it a link and a code.';

/**
 * Emails a code and a link to the owner of an account who forgot the password. For an email without an account, or a
 * recipient that has reached its rate limit, the same work is done and an email is queued that is never sent. Known
 * devices have their own rate limits, so that strangers cannot block the owner's email. Once those are exceeded, the
 * response stays the same and nothing is written: a thief of the device cookie learns nothing and cannot fill the
 * tables or the outbox.
 */
export async function sendMail(
  context: AppContext,
  { body, client, headers }: Call<z.infer<typeof sendMailBody>>,
): Promise<RouteResponse> {
  const { db, clock } = context;
  const parsed = parseEmail(body.email);
  if (!parsed.ok) throw new HttpError('invalid_request', { fields: [fieldError('email', parsed)] });
  const found = await findByIdentifier(db, 'email', parsed.key);
  const user = found?.disabled_at === null ? found : undefined;

  const isKnown = user !== undefined && (await readDevice(context, headers, user.id)) !== undefined;
  if (!isKnown) await countIp(context, client, 'emails_per_ip_range');
  const verification = await db.transaction().execute(async (tx) => {
    if (isKnown && !(await countKnown(tx, context, user.id, client))) return undefined;
    const request = { purpose: 'reset_password', isKnown } as const;
    const to = user?.email ?? null;
    const { verification, emailed } = await sendVerification(
      tx,
      context,
      { ...request, user, email: parsed.key, to },
      client,
    );
    const about = { userId: user?.id ?? null, actorId: null, details: { emailed } };
    await recordEvent(tx, 'password_reset_requested', client, about, clock.now());
    return verification;
  });
  const reply = { status: 202, body: { message: RECOVERY_EMAIL_SENT } };
  // Without a new verification the browser keeps its previous verification cookie, whose code still works.
  return verification ? { ...reply, otherCookies: verificationCookie(context, verification) } : reply;
}

/**
 * Locks the user before the rate limit, as a deletion of the account does (`core/rate-limits.ts`).
 *
 * @returns Whether a known device may request one more email. Not if the account has just been deleted.
 */
async function countKnown(
  tx: Db,
  context: AppContext,
  userId: string,
  client: Call['client'],
): Promise<boolean> {
  if (!(await lockSignIns(tx, userId))) return false;
  const counted = await countInWindow(
    tx,
    context.keys.rateLimits,
    'recovery_emails_from_known_devices',
    userId,
    context.clock.now(),
  );
  if (!counted.allowed) await recordRateLimit(tx, context, client, counted, { userId, actorId: null });
  return counted.allowed;
}
