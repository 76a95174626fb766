import type { AppContext } from '../../context.ts';
import { devicesOf } from '../../core/devices.ts';
import { expiryOf, idleTimeoutOf } from '../../core/sessions/timeouts.ts';
import { type ActiveSession, sessionsOf } from '../../core/sessions.ts';

/** The caller's active sessions, the last used first. */
export const ownSessions = (
  context: Pick<AppContext, 'db' | 'clock' | 'sessionTimeouts'>,
  { user, session }: ActiveSession,
) => sessionsOf(context, user, context.clock.now(), session.id);

/** The caller's known devices. */
export const ownDevices = ({ db, clock }: Pick<AppContext, 'db' | 'clock'>, { user }: ActiveSession) =>
  devicesOf(db, user.id, clock.now());

/** How long a session lasts without use, and how long this one can last at most from `now`, in milliseconds. */
export const timeLeft = (
  { sessionTimeouts }: Pick<AppContext, 'sessionTimeouts'>,
  activeSession: ActiveSession,
  now: number,
): { idle: number; left: number } => ({
  idle: idleTimeoutOf(sessionTimeouts, activeSession),
  left: expiryOf(sessionTimeouts, activeSession) - now,
});
