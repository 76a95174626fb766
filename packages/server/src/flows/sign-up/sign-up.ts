import { z } from 'zod';
import { recordEvent } from '../../core/events.ts';
import { countInWindow } from '../../core/limits.ts';
import { mixedScripts } from '../../core/names.ts';
import { hashPassword } from '../../core/passwords.ts';
import { insertUser, takenNames } from '../../core/users.ts';
import { addressRange } from '../../edge/address.ts';
import type { Answer, Call } from '../../edge/route.ts';
import { knownDevice } from '../../edge/side-cookies.ts';
import type { World } from '../../edge/world.ts';
import { Refusal } from '../../errors.ts';
import { checkNewUser, takenRefusal } from '../check-new-user.ts';
import { cookieFor, finishSignIn } from '../finish-sign-in.ts';
import { refuseReached } from '../limit-reached.ts';
import { showUser } from '../shapes.ts';

export const signUpBody = z.strictObject({ username: z.string(), email: z.string(), password: z.string() });
type SignUp = z.infer<typeof signUpBody>;

/** Makes an account and signs its owner in: 201, the user and a session cookie. */
export async function signUp(world: World, { body, origin }: Call<SignUp>): Promise<Answer> {
  const { db, clock, keys, hasher, config } = world;
  if (config.signup === 'closed') throw new Refusal('signup_closed');
  const names = checkNewUser(body, config);
  const limit = await countInWindow(db, keys.limits, 'signup', addressRange(origin.ip), clock.now());
  if (!limit.allowed) throw await refuseReached(world, origin, limit);
  const taken = await takenNames(db, names.usernameKey, names.emailKey);
  if (taken.length > 0) throw takenRefusal(taken);
  const passwordHash = await hashPassword(hasher, body.password);

  const started = await db.transaction().execute(async (tx) => {
    const made = await insertUser(tx, { ...names, passwordHash, role: 'user' }, clock.now());
    if ('taken' in made) throw takenRefusal(made.taken);
    const { user } = made;
    const details = { mixed_scripts: mixedScripts(user.username) };
    await recordEvent(
      tx,
      'user_signed_up',
      origin,
      { userId: user.id, actorId: user.id, details },
      clock.now(),
    );
    return finishSignIn(tx, world, user, 'cookie', 'pwd', origin);
  });
  if (!started) throw new Refusal('conflict');
  return {
    status: 201,
    body: { message: 'user created!', user: showUser(started.user) },
    cookie: cookieFor(world, started),
    sideCookies: { device: knownDevice(world, started.user.id) },
  };
}
