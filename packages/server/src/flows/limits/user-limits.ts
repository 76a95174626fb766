import type { World } from '../../context.ts';
import { devicesOf } from '../../core/devices.ts';
import { listEvents, type Origin, recordEvent } from '../../core/events.ts';
import {
  addressAndRange,
  budgets,
  EVERYBODY,
  type LimitName,
  type LimitOf,
  type LimitState,
  liftLimits,
  readLimits,
} from '../../core/limits.ts';
import type { User } from '../../core/users.ts';
import { clientRanges } from '../../edge/address.ts';
import type { Db } from '../../platform/db/index.ts';
import { namesOf } from '../passwords/prove-password.ts';

/** No limit of an address range lasts longer: what was refused before that is over. */
const HOUR = 60 * 60_000;
/** So many of the newest refusals are looked through for the address ranges that they came from. */
const MOST_EVENTS = 200;

const names = Object.keys(budgets) as LimitName[];

type Who = Pick<User, 'id' | 'username_key' | 'email_key'>;

/**
 * The limits that have counted anything about a user: why someone is made to wait, and how long. Those of address ranges
 * are known from the events of what they refused.
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
    since: now - HOUR,
    limit: MOST_EVENTS,
  });
  const devices = await devicesOf(db, user.id, now);
  const ips = new Set(refused.flatMap(({ ip }) => ip ?? []));
  const ranges = new Map([...ips].flatMap(clientRanges).map((range) => [range.subject, range]));
  const once = (subject: string) => ({ subject, times: 1 });
  const subjects = {
    account: [user.id].map(once),
    name: namesOf(user).map(once),
    address: [user.email_key].map(once),
    browser: devices.map(({ id }) => once(id)),
    range: [...ranges.values()],
    'address and range': [...ranges.values()].map((range) => addressAndRange(user.email_key, range)),
    everybody: [EVERYBODY].map(once),
  };
  return names.flatMap((limit) => subjects[budgets[limit].of].map((of) => ({ limit, ...of })));
}
