import type { World } from '../../context.ts';
import { isHeld } from '../../core/codes.ts';
import { recordEvent } from '../../core/events.ts';
import { mixedScripts } from '../../core/names.ts';
import { insertUser, type NewUser, type User } from '../../core/users.ts';
import type { Call } from '../../edge/route.ts';
import type { Db } from '../../platform/db/index.ts';
import { takenRefusal } from './check-new-user.ts';

/** Makes the account of someone who signed up. @throws Refusal `signup_taken` */
export async function makeAccount(
  tx: Db,
  { clock, keys }: Pick<World, 'clock' | 'keys'>,
  newUser: Omit<NewUser, 'role'>,
  origin: Call['origin'],
): Promise<User> {
  const now = clock.now();
  if (await isHeld(tx, keys.codes, newUser.emailKey, undefined, now)) throw takenRefusal(['email']);
  const made = await insertUser(tx, { ...newUser, role: 'user' }, now);
  if ('taken' in made) throw takenRefusal(made.taken);
  const { user } = made;
  const details = { mixed_scripts: mixedScripts(user.username) };
  await recordEvent(tx, 'user_signed_up', origin, { userId: user.id, actorId: user.id, details }, now);
  return user;
}
