import type { AppContext } from '../../context.ts';
import { devicesOf } from '../../core/devices.ts';
import { listEvents, recordEvent } from '../../core/events.ts';
import {
  EVERYBODY,
  emailAndRange,
  type RateLimitName,
  type RateLimitState,
  type RateLimitSubject,
  rateLimits,
  readRateLimits,
  resetRateLimits,
} from '../../core/rate-limits.ts';
import type { User } from '../../core/users.ts';
import { clientRanges } from '../../http/client-ip.ts';
import type { Db } from '../../platform/db/index.ts';
import type { Change } from '../accounts/change-user.ts';
import { identifiersOf } from '../passwords/authenticate-with-password.ts';

/** The longest rate limit of an IP range: earlier rejections no longer matter. */
const HOUR = 60 * 60_000;
/** How many of the newest rejections are searched for the IP ranges that they came from. */
const MAX_EVENTS = 200;

const names = Object.keys(rateLimits) as RateLimitName[];

type LimitedUser = Pick<User, 'id' | 'username_key' | 'email_key'>;

/**
 * The rate limits that have counted anything about a user: why the user has to wait, and for how long. The limits of IP
 * ranges are found through the events of their rejections.
 */
export async function limitsOf(
  { db, keys, clock }: Pick<AppContext, 'db' | 'keys' | 'clock'>,
  user: LimitedUser,
): Promise<RateLimitState[]> {
  const now = clock.now();
  const states = await readRateLimits(db, keys.rateLimits, await candidates(db, user, now), now);
  // Shared limits also count other users: they matter for this user only while they are exceeded.
  return states.filter((state) => isOwn(state) || state.isExceeded);
}

/**
 * Resets the rate limits of the account, its email and its devices. Those of IP ranges and of all accounts together
 * stay: they also protect other users, and last an hour at most.
 *
 * @returns How many had counted anything.
 */
export async function resetRateLimitsOf({
  context,
  tx,
  user,
  actorId,
  client,
  now,
}: Change & { user: LimitedUser }): Promise<number> {
  const subjects = await candidates(tx, user, now);
  const reset = await resetRateLimits(tx, context.keys.rateLimits, subjects.filter(isOwn));
  await recordEvent(tx, 'rate_limits_reset', client, { userId: user.id, actorId, details: { reset } }, now);
  return reset;
}

const isOwn = ({ limit }: RateLimitSubject): boolean =>
  rateLimits[limit].of !== 'range' && rateLimits[limit].of !== 'everybody';

async function candidates(db: Db, user: LimitedUser, now: number): Promise<RateLimitSubject[]> {
  const rejections = await listEvents(db, {
    userId: user.id,
    name: 'rate_limit_exceeded',
    since: now - HOUR,
    limit: MAX_EVENTS,
  });
  const devices = await devicesOf(db, user.id, now);
  const ips = new Set(rejections.flatMap(({ ip }) => ip ?? []));
  const ranges = new Map([...ips].flatMap(clientRanges).map((range) => [range.subject, range]));
  const once = (subject: string) => ({ subject, times: 1 });
  const subjects = {
    account: [user.id].map(once),
    identifier: identifiersOf(user).map(once),
    email: [user.email_key].map(once),
    device: devices.map(({ id }) => once(id)),
    range: [...ranges.values()],
    'email and range': [...ranges.values()].map((range) => emailAndRange(user.email_key, range)),
    everybody: [EVERYBODY].map(once),
  };
  return names.flatMap((limit) => subjects[rateLimits[limit].of].map((of) => ({ limit, ...of })));
}
