import type { AppContext } from '../../context.ts';
import { devicesOf } from '../../core/devices.ts';
import { type RateLimitState, rateLimits } from '../../core/rate-limits.ts';
import { sessionsOf } from '../../core/sessions.ts';
import { type Text, text } from '../../languages/text.ts';
import { getUser } from '../accounts/change-account.ts';
import { limitsOf } from '../limits/user-rate-limits.ts';
import { readEvents } from './audit.ts';

/** The state of a rate limit of a user, with its label, its description and whether the user can have several of it. */
export type DescribedLimit = RateLimitState & { label: Text; description: string; isOneOfSeveral: boolean };

/** Everything that the admin console shows about a user. @throws HttpError `not_found` */
export async function userDetails(
  context: Pick<AppContext, 'db' | 'clock' | 'keys' | 'sessionTimeouts'>,
  id: string,
  mostEvents: number,
) {
  const { db, clock } = context;
  const user = await getUser(db, id);
  const limits = (await limitsOf(context, user)).map(described);
  const sessions = await sessionsOf(context, user, clock.now());
  const devices = await devicesOf(db, user.id, clock.now());
  const { events, names } = await readEvents(context, { userId: user.id, limit: mostEvents });
  return { user, limits, sessions, devices, events, names };
}

export type UserDetails = Awaited<ReturnType<typeof userDetails>>;

function described(state: RateLimitState): DescribedLimit {
  const { label, of, description } = rateLimits[state.limit];
  return { ...state, label: text(label), description, isOneOfSeveral: of === 'range' || of === 'identifier' };
}
