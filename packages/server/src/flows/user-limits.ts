import { listEvents, type Origin, recordEvent } from '../core/events.ts';
import {
  addressAndRange,
  budgets,
  EVERYBODY,
  type LimitName,
  type LimitOf,
  type LimitState,
  liftLimits,
  readLimits,
} from '../core/limits.ts';
import type { User } from '../core/users.ts';
import { addressRange } from '../edge/address.ts';
import type { World } from '../edge/world.ts';
import type { Db } from '../platform/db/index.ts';
import { namesOf } from './prove-password.ts';

/** A browser or an address range counts for a day at most: what was refused before that is over. */
const DAY = 24 * 60 * 60_000;
/** So many of the newest refusals are looked through for the browsers and address ranges that they came from. */
const MOST_EVENTS = 200;

const names = Object.keys(budgets) as LimitName[];

type Who = Pick<User, 'id' | 'username_key' | 'email_key'>;

/**
 * The limits that have counted anything about a user: why someone is made to wait, and how long. Those of browsers and
 * address ranges are known from the events of what they refused.
 */
export async function limitsOf(
  { db, keys, clock }: Pick<World, 'db' | 'keys' | 'clock'>,
  user: Who,
): Promise<LimitState[]> {
  const now = clock.now();
  const states = await readLimits(db, keys.limits, await candidates(db, user, now), now);
  // What is shared counts others' attempts: it concerns this user only while it stands in the way.
  return states.filter((state) => isOwn(state) || state.isReached);
}

/**
 * Forgets what the limits of the account, its address and its browsers have counted. Those of address ranges and of all
 * accounts together stay: they hold for others too, and for an hour at most.
 *
 * @returns How many had counted anything.
 */
export async function liftLimitsOf(
  tx: Db,
  { keys }: Pick<World, 'keys'>,
  { user, actorId, origin, now }: { user: Who; actorId: string; origin: Origin; now: number },
): Promise<number> {
  const asked = await candidates(tx, user, now);
  const lifted = await liftLimits(tx, keys.limits, asked.filter(isOwn));
  await recordEvent(tx, 'limits_lifted', origin, { userId: user.id, actorId, details: { lifted } }, now);
  return lifted;
}

const isOwn = ({ limit }: LimitOf): boolean =>
  budgets[limit].of !== 'range' && budgets[limit].of !== 'everybody';

async function candidates(db: Db, user: Who, now: number): Promise<LimitOf[]> {
  const refused = await listEvents(db, {
    userId: user.id,
    name: 'limit_reached',
    since: now - DAY,
    limit: MOST_EVENTS,
  });
  const devices = new Set(refused.flatMap(({ details: { device } }) => (device ? [String(device)] : [])));
  const ranges = new Set(refused.flatMap(({ ip }) => (ip ? [addressRange(ip)] : [])));
  const subjects = {
    account: [user.id],
    name: namesOf(user),
    address: [user.email_key],
    browser: [...devices],
    range: [...ranges],
    'address and range': [...ranges].map((range) => addressAndRange(user.email_key, range)),
    everybody: [EVERYBODY],
  };
  return names.flatMap((limit) => subjects[budgets[limit].of].map((subject) => ({ limit, subject })));
}
