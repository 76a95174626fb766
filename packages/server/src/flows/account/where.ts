import type { AppContext } from '../../context.ts';
import { devicesOf } from '../../core/devices.ts';
import { type ActiveSession, expiryOf, IDLE_TIMEOUT, sessionsOf } from '../../core/sessions.ts';

/** The caller's active sessions, the last used first. */
export const ownSessions = (
  { db, clock }: Pick<AppContext, 'db' | 'clock'>,
  { user, session }: ActiveSession,
) => sessionsOf(db, user, clock.now(), session.id);

/** The caller's known devices. */
export const ownDevices = ({ db, clock }: Pick<AppContext, 'db' | 'clock'>, { user }: ActiveSession) =>
  devicesOf(db, user.id, clock.now());

/** How long a session lasts without use, and how long this one can last at most from `now`, in milliseconds. */
export const timeLeft = (activeSession: ActiveSession, now: number): { idle: number; left: number } => ({
  idle: IDLE_TIMEOUT,
  left: expiryOf(activeSession) - now,
});
