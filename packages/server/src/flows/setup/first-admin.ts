import { z } from 'zod';
import { recordEvent } from '../../core/events.ts';
import { finishSetUp, isSetUp, queueAdminChange } from '../../core/installation.ts';
import { countInRanges } from '../../core/limits.ts';
import { findLink, isLinkGood, makeLink, useLink } from '../../core/links.ts';
import { hashPassword } from '../../core/passwords.ts';
import { insertUser } from '../../core/users.ts';
import { clientRanges } from '../../edge/address.ts';
import type { Answer, Call } from '../../edge/route.ts';
import type { World } from '../../edge/world.ts';
import { Refusal } from '../../errors.ts';
import { checkNewUser, takenRefusal } from '../check-new-user.ts';
import { cookieFor, finishSignIn } from '../finish-sign-in.ts';
import { forStranger } from '../hash-requester.ts';
import { rememberBrowser } from '../known-devices.ts';
import { refuseReached } from '../limit-reached.ts';

/** How long the link that a start prints is good, in milliseconds. */
const LIFETIME = 60 * 60_000;

/** A link that is valid for less than this is not printed again, in milliseconds. */
const LEAST = LIFETIME / 2;

/**
 * The one-time link that creates the first administrator, while there is none. Starts that follow each other, or run at the same
 * time, get the same link, as long as it is valid for half an hour more; after that a new one. The secret is behind the `#`,
 * which browsers send to no server, so that no log on the way has it.
 *
 * @returns undefined once the set-up is done.
 */
export async function makeSetUpLink({ db, clock, keys, publicUrl }: World): Promise<string | undefined> {
  if (await isSetUp(db)) return undefined;
  const secret = await db.transaction().execute(async (tx) => {
    const now = clock.now();
    // Of two starts at once the second waits here, and finds the link of the first.
    await queueAdminChange(tx);
    return (
      (await findLink(tx, keys.links, 'setup', LEAST, now)) ??
      (await makeLink(tx, keys.links, 'setup', LIFETIME, now))
    );
  });
  return `${publicUrl}/setup#token=${secret}`;
}

/** Whether there is no administrator yet, and if so whether a link that was printed still works. */
export async function setUpState({
  db,
  clock,
  keys,
}: Pick<World, 'db' | 'clock' | 'keys'>): Promise<'done' | 'link' | 'no link'> {
  if (await isSetUp(db)) return 'done';
  return (await findLink(db, keys.links, 'setup', 0, clock.now())) === undefined ? 'no link' : 'link';
}

/** @throws Refusal `setup_done` */
export async function refuseSetUpDone({ db }: Pick<World, 'db'>): Promise<void> {
  if (await isSetUp(db)) throw new Refusal('setup_done');
}

/** Whether the link may be used. Opening it changes nothing. @throws Refusal `setup_done`, `link_invalid` */
export async function openSetUpLink(
  world: World,
  token: string,
  { origin }: Pick<Call, 'origin'>,
): Promise<void> {
  const { db, clock, keys } = world;
  await refuseSetUpDone(world);
  if (await isLinkGood(db, 'setup', token, clock.now())) return;
  const limit = await countInRanges(db, keys.limits, 'secrets', clientRanges(origin.ip), clock.now());
  if (!limit.allowed) throw await refuseReached(world, origin, limit);
  throw new Refusal('link_invalid', {
    message:
      'Check that you copied the whole link. If you did, it has expired. Start the server again: it prints one that works.',
  });
}

export const firstAdminBody = z.strictObject({
  token: z.string(),
  username: z.string(),
  email: z.string(),
  password: z.string(),
});

/**
 * Makes the first administrator and signs them in, from a browser that is known from now on: wrong passwords of strangers do
 * not keep them out of it. The link and the set-up are used up with it, in one transaction:
 * of many at once, one succeeds.
 *
 * @throws Refusal `setup_done`, `link_invalid`, `signup_refused` with the reason for every field.
 */
export async function makeFirstAdmin(
  world: World,
  { body, origin, headers }: Call<z.infer<typeof firstAdminBody>>,
): Promise<Pick<Answer, 'cookie' | 'sideCookies'>> {
  const { db, clock, hasher } = world;
  await openSetUpLink(world, body.token, { origin });
  const names = await checkNewUser(body, world);
  const passwordHash = await hashPassword(hasher, body.password, forStranger(origin, names.emailKey));
  const { started, device } = await db.transaction().execute(async (tx) => {
    const now = clock.now();
    // In the order of `makeSetUpLink`, so that a start beside it does not deadlock.
    if (!(await finishSetUp(tx, now))) throw new Refusal('setup_done');
    if (!(await useLink(tx, 'setup', body.token, now))) throw new Refusal('link_invalid');
    const made = await insertUser(tx, { ...names, passwordHash, role: 'admin' }, now);
    if ('taken' in made) throw takenRefusal(made.taken);
    await recordEvent(tx, 'setup_done', origin, { userId: made.user.id, actorId: made.user.id }, now);
    const started = await finishSignIn(tx, world, made.user, 'cookie', 'pwd', { origin, headers });
    if (!started) throw new Refusal('conflict');
    return { started, ...(await rememberBrowser(tx, world, made.user.id, { origin, headers })) };
  });
  return { cookie: cookieFor(world, started), sideCookies: { device } };
}
