import type { World } from '../../context.ts';
import { type Origin, recordEvent } from '../../core/events.ts';
import type { User } from '../../core/users.ts';
import type { Call } from '../../edge/route.ts';
import { Refusal } from '../../errors.ts';
import { tooMany, waitInWords } from '../limits/limit-reached.ts';
import { countMailFrom, mailCode } from '../verifications/mail-code.ts';

/**
 * Mails a user what they need to choose a new password, as if they had asked for it: the same mail, in the same budgets.
 * Whoever asks for it here may know of the account, so they are told when it does not go.
 *
 * @param asked By whom: an administrator from a request, or `operator` from the command line, which has no address.
 * @throws Refusal `conflict` for a disabled account, or where no mail goes out; `too_many_requests`; `busy`.
 */
export async function mailNewPassword(
  world: World,
  user: User,
  { actorId, origin }: { actorId: string; origin: Origin | Call['origin'] },
): Promise<void> {
  const { db, clock, config, hasMailbox } = world;
  if (user.disabled_at !== null)
    throw new Refusal('conflict', {
      message: 'This user is disabled. Enable the user before sending a password reset.',
    });
  if (!config.smtpUrl && !hasMailbox)
    throw new Refusal('conflict', {
      message: 'No mail server is configured. Set USHER_SMTP_URL to send email.',
    });
  if (isRequest(origin)) await countMailFrom(world, origin);
  const refused = await db.transaction().execute(async (tx) => {
    const asked = { purpose: 'reset_password', kind: 'reset_password' } as const;
    const reader = { user, address: user.email_key, to: user.email, actorId };
    const { mailed, refused } = await mailCode(tx, world, { ...asked, ...reader }, origin);
    const about = { userId: user.id, actorId, details: { mailed } };
    await recordEvent(tx, 'recovery_started', origin, about, clock.now());
    return refused;
  });
  if (refused) throw tooMany(refused, enough(refused.retryAfter));
}

const isRequest = (origin: Origin | Call['origin']): origin is Call['origin'] => origin.ip !== null;

/** @param wait In milliseconds. */
const enough = (wait: number): string =>
  `The hourly limit for emails to this address has been reached. Try again in ${waitInWords(wait)}, or reset this user’s rate limits.`;
