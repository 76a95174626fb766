import type { World } from '../../context.ts';
import { devicesOf } from '../../core/devices.ts';
import { endOf, IDLE, type Live, sessionsOf } from '../../core/sessions.ts';

/** Where the caller is signed in; the session used last first. */
export const ownSessions = ({ db, clock }: Pick<World, 'db' | 'clock'>, { user, session }: Live) =>
  sessionsOf(db, user, clock.now(), session.id);

/** Where the caller signed in before. */
export const ownDevices = ({ db, clock }: Pick<World, 'db' | 'clock'>, { user }: Live) =>
  devicesOf(db, user.id, clock.now());

/** How long a session lasts unused, and how long this one can last at most from `now`, in milliseconds. */
export const timeLeft = (live: Live, now: number): { idle: number; left: number } => ({
  idle: IDLE,
  left: endOf(live) - now,
});
