import { z } from 'zod';
import type { World } from '../../context.ts';
import { eventsOf } from '../../core/events.ts';
import { queueAdminChange } from '../../core/installation.ts';
import { parseEmail } from '../../core/names.ts';
import { sessionsOf } from '../../core/sessions.ts';
import type { Answer, SignedInCall } from '../../edge/route.ts';
import { Refusal } from '../../errors.ts';
import { profileColumns } from '../../user-fields.ts';
import { deleteAccount } from '../accounts/change-user.ts';
import { changeProfile, profileShape } from '../accounts/profile.ts';
import { notify } from '../emails/notices.ts';
import { holdProven, proveOwnPassword } from '../passwords/prove-password.ts';
import { CLEARED } from '../sessions/clear-cache.ts';
import { showEvent } from '../shapes/events.ts';
import { showSession } from '../shapes/sessions.ts';
import { showUser } from '../shapes/users.ts';

/** How many of their events a user sees on the dashboard. */
const RECENT_EVENTS = 20;

export const showMe = (_: World, { live }: SignedInCall): Answer => ({
  status: 200,
  body: { user: showUser(live.user) },
});

/** Everything a dashboard shows, in one answer. */
export async function dashboard(
  { db, clock }: Pick<World, 'db' | 'clock'>,
  { live }: SignedInCall,
): Promise<Answer> {
  const { user, session } = live;
  const sessions = await sessionsOf(db, live.user, clock.now(), live.session.id);
  const current = sessions.find((one) => one.id === session.id);
  if (!current) throw new Refusal('invalid_token');
  const events = await eventsOf(db, user.id, RECENT_EVENTS);
  return {
    status: 200,
    body: {
      user: showUser(user),
      session: showSession(current, session.id),
      sessions: sessions.map((one) => showSession(one, session.id)),
      events: events.map(showEvent),
    },
  };
}

export const changeMeBody = z
  .strictObject(profileShape)
  .refine((body) => Object.keys(body).length > 0, {
    message: `Provide at least one of these: ${profileColumns.join(', ')}`,
  })
  .describe('At least one of these.');

/** Changes one's own profile; the address has a way of its own, because it must be proven. */
export async function changeMe(
  { db, clock }: Pick<World, 'db' | 'clock'>,
  { body, live, origin }: SignedInCall<z.infer<typeof changeMeBody>>,
): Promise<Answer> {
  const { user } = live;
  const changed = await db
    .transaction()
    .execute((tx) => changeProfile({ tx, user, actorId: user.id, origin, now: clock.now() }, body));
  return { status: 200, body: { user: showUser(changed) } };
}

export const deleteMeBody = z.strictObject({ email: z.string(), password: z.string() });

/** Deletes the caller's own account and all that belongs to it; needs the address, as a pause, and the password. */
export async function deleteMe(
  world: World,
  { body, live, credential, origin, headers }: SignedInCall<z.infer<typeof deleteMeBody>>,
): Promise<Answer> {
  const { db, clock } = world;
  const given = parseEmail(body.email);
  if (!given.ok || given.email !== live.user.email)
    throw new Refusal('invalid_request', {
      fields: [{ field: 'email', code: 'email_other', message: 'This doesn’t match your account’s email.' }],
    });
  const proof = await proveOwnPassword(world, live, body.password, { origin, headers });
  await db.transaction().execute(async (tx) => {
    await queueAdminChange(tx);
    await holdProven(tx, proof, live);
    await deleteAccount(world, { tx, user: live.user, actorId: live.user.id, origin, now: clock.now() });
    await notify(tx, world, 'account_deleted', live.user, origin);
  });
  return {
    status: 200,
    body: { message: 'delete successful!' },
    cookie: 'unset',
    ...(credential.kind === 'cookie' ? { headers: CLEARED } : {}),
  };
}
