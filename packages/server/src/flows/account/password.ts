import { z } from 'zod';
import { endOutrankedLinks } from '../../core/codes/restore-links.ts';
import { endFlowsOf } from '../../core/codes.ts';
import { recordEvent } from '../../core/events.ts';
import { hashPassword, normalisePassword } from '../../core/passwords.ts';
import { audienceOf, endSessionsOf } from '../../core/sessions.ts';
import { replacePassword } from '../../core/users.ts';
import type { Answer, SignedInCall } from '../../edge/route.ts';
import type { World } from '../../edge/world.ts';
import { Refusal } from '../../errors.ts';
import { countWrite } from '../count-write.ts';
import { cookieFor, finishSignIn, tokenPairFor } from '../finish-sign-in.ts';
import { forUser } from '../hash-requester.ts';
import { rememberBrowser } from '../known-devices.ts';
import { refuseWeak } from '../new-password.ts';
import { notify } from '../notices.ts';
import { proveOwnPassword } from '../prove-password.ts';

export const changePasswordBody = z.strictObject({ current_password: z.string(), new_password: z.string() });

const SAME = {
  field: 'new_password',
  code: 'password_same',
  message: 'This is already your password. Choose a different one.',
};

/**
 * Changes one's own password. Every session ends, this one too: the caller goes on with a new one of the same kind,
 * whose cookie or pair of tokens is in the answer (ASVS 7.2.4). Of all known browsers, only the caller's is still known.
 */
export async function changePassword(
  world: World,
  { body, live, origin, headers }: SignedInCall<z.infer<typeof changePasswordBody>>,
): Promise<Answer> {
  const { db, clock, hasher } = world;
  const { session } = live;
  await refuseWeak(world, body.new_password, live.user, 'new_password');
  if (normalisePassword(body.new_password) === normalisePassword(body.current_password))
    throw new Refusal('invalid_request', { fields: [SAME] });
  const user = await proveOwnPassword(world, live, body.current_password, { origin, headers });
  // Not before: a thief of the session could use it up.
  await countWrite(world, live, origin, 'passwordChanges');
  const passwordHash = await hashPassword(hasher, body.new_password, forUser(origin, user.id));

  const started = await db.transaction().execute(async (tx) => {
    const now = clock.now();
    if (!(await replacePassword(tx, user.id, user.password_hash, passwordHash, now))) return undefined;
    await endSessionsOf(tx, user.id, 'password_changed', now);
    await endFlowsOf(tx, user.id, now);
    await endOutrankedLinks(tx, user.id, now);
    await recordEvent(tx, 'password_changed', origin, { userId: user.id, actorId: user.id }, now);
    await notify(tx, world, 'password_changed', user, origin);
    const audience = await audienceOf(tx, session.id);
    const changed = { ...user, password_hash: passwordHash, password_change_required_at: null };
    const begun = await finishSignIn(tx, world, changed, session.kind, 'pwd', { origin, headers }, audience);
    if (!begun || session.kind === 'bearer') return begun && { ...begun, device: undefined };
    const { device } = await rememberBrowser(tx, world, user.id, { headers, origin });
    return { ...begun, device };
  });
  if (!started) throw new Refusal('conflict');
  const message = 'Password changed.';
  return session.kind === 'cookie'
    ? {
        status: 200,
        body: { message },
        cookie: cookieFor(world, started),
        ...(started.device && { sideCookies: { device: started.device } }),
      }
    : { status: 200, body: { message, ...(await tokenPairFor(world, started)) } };
}
