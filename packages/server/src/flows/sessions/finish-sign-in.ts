import type { World } from '../../context.ts';
import { endFlowsOf } from '../../core/codes.ts';
import { type NewEvent, recordEvent } from '../../core/events.ts';
import {
  capOf,
  endCrowdedOut,
  endSession,
  REFRESH_IDLE,
  type SessionKind,
  startSession,
} from '../../core/sessions.ts';
import type { Cookie } from '../../core/tokens/cookie.ts';
import { admit, type User } from '../../core/users.ts';
import { readSessionCookie } from '../../edge/credential.ts';
import type { Call } from '../../edge/route.ts';
import { Refusal } from '../../errors.ts';
import type { Db } from '../../platform/db/index.ts';

/** A session that was just started. */
export interface Started {
  user: User;
  sessionId: string;
  /** Milliseconds since 1970. */
  at: number;
  amr: string;
  /** Whom its access tokens are for; null for Usher itself. */
  audience: string | null;
}

/**
 * The one exit of every way to sign in: nothing else starts a session. It runs in the caller's transaction, so that
 * the session begins together with what led to it, or not at all.
 *
 * A browser that sends the cookie of a session, of this user or another, ends that session: the new cookie replaces it.
 *
 * @param amr How the user proved who they are (RFC 8176): `pwd`.
 * @param audience Whom the access tokens of a bearer session are for; null for Usher itself.
 * @returns undefined when the user was disabled, deleted or given another password since they were looked up.
 */
export async function finishSignIn(
  tx: Db,
  world: World,
  user: User,
  kind: SessionKind,
  amr: string,
  { origin, headers }: Pick<Call, 'origin' | 'headers'>,
  audience: string | null = null,
): Promise<Started | undefined> {
  // No service gets a token of somebody who has yet to choose a password that nobody else knows.
  if (audience !== null && user.password_change_required_at !== null)
    throw new Refusal('password_change_required');
  const now = world.clock.now();
  if (!(await admit(tx, user, now))) return undefined;
  // Whoever is in needs no code any more; one that lies in a mailbox is one that can be found there.
  await endFlowsOf(tx, user.id, now, ['reset_password']);
  const sessionId = await startSession(
    tx,
    { userId: user.id, kind, amr, ip: origin.ip, userAgent: origin.userAgent, audience },
    now,
  );
  const about = { userId: user.id, actorId: user.id } satisfies NewEvent;
  await recordEvent(tx, 'signed_in', origin, { ...about, sessionId, details: { kind, amr } }, now);
  if (kind === 'cookie') await endReplaced(tx, world, { origin, headers }, now);
  for (const ended of await endCrowdedOut(tx, user.id, sessionId, now))
    await recordEvent(tx, 'session_crowded_out', origin, { ...about, sessionId: ended }, now);
  return { user, sessionId, at: now, amr, audience };
}

async function endReplaced(
  tx: Db,
  world: World,
  { origin, headers }: Pick<Call, 'origin' | 'headers'>,
  now: number,
): Promise<void> {
  const sent = readSessionCookie(world, headers);
  if (!sent || !(await endSession(tx, sent.sid, sent.sub, 'replaced', now))) return;
  const about = { userId: sent.sub, actorId: sent.sub, sessionId: sent.sid };
  await recordEvent(tx, 'session_replaced', origin, about, now);
}

/** The cookie of a session that was just started. */
export function cookieFor(world: World, { user, sessionId, at, amr }: Started): Cookie {
  return world.cookieTokens.make(
    { userId: user.id, sessionId, signedInAt: at, amr: amr.split(' ') },
    at,
    at + capOf('cookie', user),
  );
}

/** The first pair of tokens of a session that was just started. */
export async function tokenPairFor(world: World, { user, sessionId, at, amr, audience }: Started) {
  const { token, expiresIn } = await world.accessTokens.make(
    { userId: user.id, sessionId, signedInAt: at, amr: amr.split(' ') },
    audience ?? world.publicUrl,
    at,
    at + Math.min(REFRESH_IDLE, capOf('bearer', user)),
  );
  return {
    access_token: token,
    token_type: 'Bearer' as const,
    expires_in: expiresIn,
    refresh_token: world.refreshTokens.make(sessionId, 1),
  };
}
