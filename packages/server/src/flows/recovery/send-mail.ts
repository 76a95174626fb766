import { z } from 'zod';
import type { World } from '../../context.ts';
import { recordEvent } from '../../core/events.ts';
import { countInWindow } from '../../core/limits.ts';
import { parseEmail } from '../../core/names.ts';
import { findByName } from '../../core/users.ts';
import type { Answer, Call } from '../../edge/route.ts';
import { readDevice } from '../../edge/side-cookies.ts';
import { Refusal } from '../../errors.ts';
import type { Db } from '../../platform/db/index.ts';
import { recordReached } from '../limits/limit-reached.ts';
import { countMailFrom, flowCookie, mailCode } from '../verifications/mail-code.ts';

export const sendMailBody = z.strictObject({ email: z.string() });

/** The same for everybody: it tells nothing of whether there is an account. */
export const MAIL_ON_ITS_WAY = 'If there’s an account for this email, we’ve sent it a link and a code.';

/**
 * Mails a code and a link to the owner of an account who forgot the password. For an address without an account, or
 * one that was mailed often enough, the same work is done and a mail is queued that is sent to nobody. A browser that the
 * account knows has budgets of its own: no stranger keeps the owner there from a mail. Once these are used up, it gets the
 * same answer and nothing is written: whoever holds its cookie learns nothing, and can fill neither tables nor the outbox.
 */
export async function sendMail(
  world: World,
  { body, origin, headers }: Call<z.infer<typeof sendMailBody>>,
): Promise<Answer> {
  const { db, clock } = world;
  const address = parseEmail(body.email);
  if (!address.ok) throw new Refusal('invalid_request', { fields: [{ field: 'email', ...address }] });
  const found = await findByName(db, 'email', address.key);
  const user = found?.disabled_at === null ? found : undefined;

  const isKnown = user !== undefined && (await readDevice(world, headers, user.id)) !== undefined;
  if (!isKnown) await countMailFrom(world, origin);
  const flow = await db.transaction().execute(async (tx) => {
    if (isKnown && !(await countKnown(tx, world, user.id, origin))) return undefined;
    const asked = { purpose: 'reset_password', kind: 'reset_password', isKnown } as const;
    const to = user?.email ?? null;
    const { flow, mailed } = await mailCode(tx, world, { ...asked, user, address: address.key, to }, origin);
    const about = { userId: user?.id ?? null, actorId: null, details: { mailed } };
    await recordEvent(tx, 'recovery_started', origin, about, clock.now());
    return flow;
  });
  const answer = { status: 202, body: { message: MAIL_ON_ITS_WAY } };
  // Without a new flow the browser keeps the cookie of its last one, whose code still works.
  return flow ? { ...answer, sideCookies: flowCookie(world, flow) } : answer;
}

/** @returns Whether a browser that the account knows may have one more mail. */
async function countKnown(tx: Db, world: World, userId: string, origin: Call['origin']): Promise<boolean> {
  const counted = await countInWindow(tx, world.keys.limits, 'recoveryKnown', userId, world.clock.now());
  if (!counted.allowed) await recordReached(tx, world, origin, counted, { userId, actorId: null });
  return counted.allowed;
}
