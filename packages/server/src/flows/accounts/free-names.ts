import type { AppContext } from '../../context.ts';
import { parseUsername } from '../../core/identifiers.ts';
import { type NewUser, takenIdentifiers } from '../../core/users.ts';
import { isEmailReserved } from '../../core/verifications.ts';
import { fieldError, HttpError } from '../../errors.ts';
import type { Call } from '../../http/route.ts';
import type { Db } from '../../platform/db/index.ts';
import { countIp } from '../limits/count-ip.ts';
import { takenError } from './check-new-user.ts';

type Names = Pick<NewUser, 'username' | 'usernameKey' | 'emailKey'>;

/**
 * The username of a person who completes an account with a link or code: the planned one, or another that they choose.
 * Checked before a password is hashed: a rejected request does not use up the link, so it could be repeated without end.
 * Each choice is counted like a sign-up, because the response tells whether the username is taken.
 *
 * @throws HttpError `signup_rejected`, `user_exists`, `too_many_requests`.
 */
export async function freeUsername(
  context: AppContext,
  client: Call['client'],
  { username, usernameKey, emailKey }: Names,
  given: string | undefined,
): Promise<Pick<NewUser, 'username' | 'usernameKey'>> {
  const names = given === undefined ? { username, usernameKey } : otherUsername(given);
  if (given !== undefined) await countIp(context, client, 'sign_ups_per_ip_range');
  await rejectTaken(context.db, context, { ...names, emailKey });
  return names;
}

function otherUsername(given: string): Pick<NewUser, 'username' | 'usernameKey'> {
  const parsed = parseUsername(given);
  if (!parsed.ok) throw new HttpError('signup_rejected', { fields: [fieldError('username', parsed)] });
  return { username: parsed.username, usernameKey: parsed.key };
}

/** @throws HttpError `user_exists` */
export async function rejectTaken(
  db: Db,
  { keys, clock }: Pick<AppContext, 'keys' | 'clock'>,
  { usernameKey, emailKey }: Pick<Names, 'usernameKey' | 'emailKey'>,
): Promise<void> {
  const taken = await takenIdentifiers(db, usernameKey, emailKey);
  const isReserved = await isEmailReserved(db, keys.verifications, emailKey, undefined, clock.now());
  if (isReserved && !taken.includes('email')) taken.push('email');
  if (taken.length > 0) throw takenError(taken);
}
