import { z } from 'zod';
import type { World } from '../../context.ts';
import { purposes } from '../../core/codes/purposes.ts';
import { isOutranked } from '../../core/codes/restore-links.ts';
import { beginFlow, isHeld } from '../../core/codes.ts';
import { recordEvent } from '../../core/events.ts';
import { countInWindow } from '../../core/limits.ts';
import { queueMail } from '../../core/mails.ts';
import { parseEmail } from '../../core/names.ts';
import { findByName, type User } from '../../core/users.ts';
import type { Answer, Call, SignedInCall } from '../../edge/route.ts';
import { Refusal } from '../../errors.ts';
import type { Db } from '../../platform/db/index.ts';
import { countWrite } from '../limits/count-write.ts';
import { refuseReached } from '../limits/limit-reached.ts';
import { holdProven, proveOwnPassword } from '../passwords/prove-password.ts';
import { codeRules } from '../verifications/code-rules.ts';
import { countMailFrom, flowCookie, mailCode } from '../verifications/mail-code.ts';

export const changeEmailBody = z.strictObject({ email: z.string(), password: z.string() });

/** The same whether another account has the address or not. */
export const CHANGE_MAILED = 'We’ve emailed the new address. Confirm it to finish the change.';
export const PROOF_MAILED = 'Verification email sent. Check your inbox.';

/** For how long the reader of the old email can take a change back, in days. */
const RESTORE_DAYS = purposes.restore_email.linkLifetime / (24 * 60 * 60_000);

/**
 * Asks for another address. The new one has to be proven; the old one is told, verified or not, with a link that takes the
 * change back. An address that another account has gets no code, but its owner a notice.
 *
 * @throws Refusal `invalid_credentials`; `too_many_requests` also when the old email was told of many changes today.
 */
export async function changeEmail(
  world: World,
  { body, live, origin, headers }: SignedInCall<z.infer<typeof changeEmailBody>>,
): Promise<Answer> {
  const { db, clock, keys } = world;
  const address = parseEmail(body.email);
  if (!address.ok) throw new Refusal('invalid_request', { fields: [{ field: 'email', ...address }] });
  const proof = await proveOwnPassword(world, live, body.password, { origin, headers });
  const { user } = proof;
  if (address.key === user.email_key)
    throw new Refusal('invalid_request', {
      fields: [{ field: 'email', code: 'email_same', message: 'This is already your email.' }],
    });
  const about = { userId: user.id, actorId: user.id, sessionId: live.session.id };
  const changes = await countInWindow(db, keys.limits, 'emailChanges', user.email_key, clock.now());
  if (!changes.allowed) throw await refuseReached(world, origin, changes, about);
  await countMailFrom(world, origin);
  const flow = await db.transaction().execute(async (tx) => {
    const now = clock.now();
    await holdProven(tx, proof, live);
    const owner = await findByName(tx, 'email', address.key);
    const isFree = !owner && !(await isHeld(tx, keys.codes, address.key, user.id, now));
    const wish = { email: address.email, emailKey: address.key };
    const asked = { purpose: 'change_email', kind: 'change_email', user, wish } as const;
    const to = isFree ? address.email : null;
    const { flow, mailed } = await mailCode(tx, world, { ...asked, owner, address: address.key, to }, origin);
    await tellOldAddress(tx, world, user, address.email, origin);
    await recordEvent(tx, 'address_change_started', origin, { ...about, details: { mailed } }, now);
    return flow;
  });
  return { status: 202, body: { message: CHANGE_MAILED }, sideCookies: flowCookie(world, flow) };
}

/** The old email can take the change back, also one that was never verified: its reader could have by a recovery. */
async function tellOldAddress(
  tx: Db,
  { clock, config, keys, publicUrl }: Pick<World, 'clock' | 'config' | 'keys' | 'publicUrl'>,
  user: Readonly<User>,
  newEmail: string,
  origin: Call['origin'],
): Promise<void> {
  const now = clock.now();
  const subject = {
    purpose: 'restore_email',
    userId: user.id,
    address: user.email_key,
    emailNumber: user.email_number,
  } as const;
  const wish = { email: user.email, emailKey: user.email_key };
  const { id, link } = await beginFlow(tx, keys, subject, codeRules(config), now, wish);
  const outranked = await isOutranked(tx, user.id, id, now);
  const values = {
    username: user.username,
    new_email: newEmail,
    link: `${publicUrl}${purposes.restore_email.page}#token=${link}`,
    days: String(RESTORE_DAYS),
    outranked_days: outranked ? String(RESTORE_DAYS) : '',
    when: new Date(now).toISOString(),
    ip: origin.ip,
    user_agent: origin.userAgent,
  };
  const mail = { kind: 'email_changing', to: user.email, userId: user.id, values, expiresAt: null } as const;
  await queueMail(tx, keys, mail, now);
}

/** Mails a code and a link once more to an address that was not proven yet. */
export async function mailProof(world: World, { live, origin }: SignedInCall): Promise<Answer> {
  const { user } = live;
  if (user.email_verified_at !== null)
    throw new Refusal('conflict', { message: 'Your email is already verified.' });
  const address = parseEmail(user.email);
  if (!address.ok) throw new Refusal('conflict');
  await countWrite(world, live, origin, 'emailRequests');
  await countMailFrom(world, origin);
  await world.db.transaction().execute(async (tx) => {
    const asked = { purpose: 'verify_email', kind: 'verify_email', user, to: user.email } as const;
    await mailCode(tx, world, { ...asked, address: address.key }, origin);
  });
  return { status: 202, body: { message: PROOF_MAILED } };
}
