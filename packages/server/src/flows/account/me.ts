import { z } from 'zod';
import type { AppContext } from '../../context.ts';
import { eventsOf } from '../../core/events.ts';
import { parseEmail } from '../../core/identifiers.ts';
import { serializeAdminChanges } from '../../core/installation.ts';
import { sessionsOf } from '../../core/sessions.ts';
import { HttpError } from '../../errors.ts';
import type { RouteResponse, SignedInCall } from '../../http/route.ts';
import { text } from '../../languages/text.ts';
import { profileColumns } from '../../user-fields.ts';
import { deleteAccount } from '../accounts/change-user.ts';
import { changeProfile, profileShape } from '../accounts/profile.ts';
import { sendSecurityNotice } from '../emails/security-notices.ts';
import { lockReauthenticated, reauthenticateWithPassword } from '../passwords/authenticate-with-password.ts';
import { CLEARED } from '../sessions/clear-cache.ts';
import { showEvent } from '../shapes/events.ts';
import { showSession } from '../shapes/sessions.ts';
import { showUser } from '../shapes/users.ts';

/** How many recent events the dashboard shows. */
const RECENT_EVENTS = 20;

export const showMe = (_: AppContext, { activeSession }: SignedInCall): RouteResponse => ({
  status: 200,
  body: { user: showUser(activeSession.user) },
});

/** Everything that the dashboard shows, in one response. */
export async function dashboard(
  context: Pick<AppContext, 'db' | 'clock' | 'sessionTimeouts'>,
  { activeSession }: SignedInCall,
): Promise<RouteResponse> {
  const { user, session } = activeSession;
  const sessions = await sessionsOf(context, user, context.clock.now(), session.id);
  const current = sessions.find((one) => one.id === session.id);
  if (!current) throw new HttpError('invalid_token');
  const events = await eventsOf(context.db, user.id, RECENT_EVENTS);
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
    params: { text: text('field.one_of', { fields: profileColumns.join(', ') }) },
  })
  .describe('At least one of these.');

/** Updates the caller's profile. The email has its own route, because it must be verified. */
export async function changeMe(
  context: AppContext,
  { body, activeSession, client }: SignedInCall<z.infer<typeof changeMeBody>>,
): Promise<RouteResponse> {
  const { db, clock } = context;
  const { user } = activeSession;
  const changed = await db
    .transaction()
    .execute((tx) => changeProfile({ context, tx, user, actorId: user.id, client, now: clock.now() }, body));
  return { status: 200, body: { user: showUser(changed) } };
}

export const deleteMeBody = z.strictObject({ email: z.string(), password: z.string() });

/**
 * Deletes the caller's account and everything that belongs to it. Requires the password, and the email to prevent
 * accidental deletion.
 */
export async function deleteMe(
  context: AppContext,
  { body, activeSession, credential, client, headers }: SignedInCall<z.infer<typeof deleteMeBody>>,
): Promise<RouteResponse> {
  const { db, clock } = context;
  const given = parseEmail(body.email);
  const isOwn = given.ok && given.email === activeSession.user.email;
  const faults = isOwn ? [] : [{ field: 'email', code: 'email_mismatch', message: text('email.mismatch') }];
  const from = { client, headers };
  const proof = await reauthenticateWithPassword(context, activeSession, body.password, from, faults);
  await db.transaction().execute(async (tx) => {
    await serializeAdminChanges(tx);
    await lockReauthenticated(tx, proof, activeSession);
    const { user } = activeSession;
    const change = { context, tx, user, actorId: user.id, client, now: clock.now() };
    await deleteAccount(change);
    await sendSecurityNotice(change, 'account_deleted');
  });
  return {
    status: 200,
    body: { message: 'delete successful!' },
    cookie: 'unset',
    ...(credential.kind === 'cookie' ? { headers: CLEARED } : {}),
  };
}
