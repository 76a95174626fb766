import { z } from 'zod';
import { beginFlow } from '../../core/codes.ts';
import { recordEvent } from '../../core/events.ts';
import { countInWindow } from '../../core/limits.ts';
import { queueMail } from '../../core/mails.ts';
import { parseEmail } from '../../core/names.ts';
import { findByName } from '../../core/users.ts';
import { addressRange } from '../../edge/address.ts';
import type { Answer, Call } from '../../edge/route.ts';
import type { World } from '../../edge/world.ts';
import { Refusal } from '../../errors.ts';
import { recordReached, tooMany } from '../limit-reached.ts';
import { codeRules } from './rules.ts';

export const sendMailBody = z.strictObject({ email: z.string() });

/** The same for everybody: it tells nothing of whether there is an account. */
export const MAIL_ON_ITS_WAY = 'If an account has this address, a mail is on its way to it.';

/**
 * Mails a code and a link to the owner of an account who forgot the password. For an address without an account, or
 * one that was mailed often enough, the same work is done and a mail is queued that is sent to nobody.
 */
export async function sendMail(
  world: World,
  { body, origin }: Call<z.infer<typeof sendMailBody>>,
): Promise<Answer> {
  const { db, clock, config, keys, publicUrl } = world;
  const address = parseEmail(body.email);
  if (!address.ok)
    throw new Refusal('invalid_request', {
      fields: [{ field: 'email', code: address.code, message: address.message }],
    });
  const found = await findByName(db, 'email', address.key);
  const user = found?.disabled_at === null ? found : undefined;
  const rules = codeRules(config);

  const about = { userId: user?.id ?? null, actorId: null };
  const flow = await db.transaction().execute(async (tx) => {
    const now = clock.now();
    const range = await countInWindow(tx, keys.limits, 'mailsFrom', addressRange(origin.ip), now);
    if (!range.allowed) {
      await recordReached(tx, world, origin, range, about);
      return range;
    }
    const budget = await countInWindow(tx, keys.limits, 'mailsTo', address.key, now);
    if (!budget.allowed) await recordReached(tx, world, origin, budget, about);
    const begun = await beginFlow(
      tx,
      keys.codes,
      { purpose: 'reset_password', userId: user?.id, address: address.key },
      rules,
      now,
    );
    await queueMail(
      tx,
      keys,
      {
        kind: 'reset_password',
        to: user && budget.allowed ? user.email : null,
        userId: user?.id ?? null,
        values: {
          username: user?.username ?? '',
          code: user && rules.isFor(user) ? begun.code : '',
          link: `${publicUrl}/reset-password?token=${begun.link}`,
          ip: origin.ip,
          user_agent: origin.userAgent,
          minutes: String(rules.lifetime / 60_000),
        },
        expiresAt: now + rules.lifetime,
      },
      now,
    );
    const details = { mailed: budget.allowed };
    await recordEvent(tx, 'recovery_started', origin, { ...about, details }, now);
    return begun;
  });
  if ('limit' in flow) throw tooMany(flow);
  return {
    status: 202,
    body: { message: MAIL_ON_ITS_WAY },
    sideCookies: { flow: { value: flow.id, maxAge: rules.lifetime / 1000 } },
  };
}
