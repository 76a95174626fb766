import type { World } from '../../context.ts';
import { devicesOf } from '../../core/devices.ts';
import { budgets, type LimitState } from '../../core/limits.ts';
import { sessionsOf } from '../../core/sessions.ts';
import { getUser } from '../accounts/change-account.ts';
import { limitsOf } from '../limits/user-limits.ts';
import { readEvents } from './audit.ts';

/** What a limit has counted about a user, with what it counts and whether the user can have several of it. */
export type DescribedLimit = LimitState & { label: string; why: string; isOneOfSeveral: boolean };

/** All that an administrator sees of a user. @throws Refusal `not_found` */
export async function userDetails(
  world: Pick<World, 'db' | 'clock' | 'keys'>,
  id: string,
  mostEvents: number,
) {
  const { db, clock } = world;
  const user = await getUser(db, id);
  const limits = (await limitsOf(world, user)).map(described);
  const sessions = await sessionsOf(db, user, clock.now());
  const devices = await devicesOf(db, user.id, clock.now());
  const { events, names } = await readEvents(world, { userId: user.id, limit: mostEvents });
  return { user, limits, sessions, devices, events, names };
}

function described(state: LimitState): DescribedLimit {
  const { label, of, why } = budgets[state.limit];
  return { ...state, label, why, isOneOfSeveral: of === 'range' || of === 'name' };
}
