import type { SessionsTable } from '../../platform/db/tables.ts';
import { newId } from '../../platform/random.ts';
import type { LockedUser } from '../users/lock.ts';
import { amrOf, freshAt, type Shown } from './methods.ts';

export interface NewSession {
  kind: SessionsTable['kind'];
  /** How the user authenticated. */
  shown: readonly Shown[];
  ip: string;
  userAgent: string;
  /** The audience of its access tokens; null for Usher itself. */
  audience?: string | null;
  /** The known device that starts it; null if there is none. */
  deviceId: string | null;
  /** Until when the user asked to stay signed in; null for an ordinary session. Ignored for an administrator. */
  keptUntil?: number | null;
}

/** Starts a session for the user whose row is locked, in the transaction that holds the lock. @returns Its id. */
export async function startSession(
  { tx, user }: LockedUser,
  session: NewSession,
  now: number,
): Promise<string> {
  if (user.disabled_at !== null) throw new Error('A disabled user starts no session.');
  const id = newId();
  await tx
    .insertInto('sessions')
    .values({
      id,
      user_id: user.id,
      kind: session.kind,
      amr: amrOf(session.shown),
      created_at: now,
      last_seen_at: now,
      revoked_at: null,
      revoked_reason: null,
      ip: session.ip,
      user_agent: session.userAgent,
      refresh_number: 1,
      refreshed_at: now,
      refresh_retries: '',
      authenticated_at: freshAt(session.shown),
      audience: session.audience ?? null,
      device_id: session.deviceId,
      kept_until: user.admin_since === null ? (session.keptUntil ?? null) : null,
    })
    .execute();
  return id;
}

/**
 * Records in a session of the locked user that they have just authenticated again. Cookies carry this time in seconds
 * (`auth_time`, see `authTimeOf`), so no second is used twice: the session's older cookies are rejected from now on.
 *
 * @returns The recorded time; undefined if the session is revoked, belongs to another user, or no method counts as
 * recent.
 */
export async function recordAuthentication(
  { tx, user }: LockedUser,
  id: string,
  shown: readonly Shown[],
): Promise<number | undefined> {
  const at = freshAt(shown);
  if (at === 0) return undefined;
  const second = at - (at % 1_000);
  const row = await tx
    .updateTable('sessions')
    .set((session) => ({
      authenticated_at: session
        .case()
        .when(session.and([session('authenticated_at', '<', second), session('created_at', '<', second)]))
        .then(at)
        .when('authenticated_at', '>', session.ref('created_at'))
        .then(session('authenticated_at', '+', 1_000))
        .else(session('created_at', '+', 1_000))
        .end(),
    }))
    .where('id', '=', id)
    .where('user_id', '=', user.id)
    .where('revoked_at', 'is', null)
    .returning('authenticated_at')
    .executeTakeFirst();
  return row?.authenticated_at;
}
