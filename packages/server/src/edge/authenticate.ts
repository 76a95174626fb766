import type { World } from '../context.ts';
import { endOf, type Live } from '../core/sessions.ts';
import { Refusal } from '../errors.ts';
import { type Credential, findSession, findSessionAgain, readCredential } from './credential.ts';
import type { Answer, Route } from './route.ts';

export interface Authenticated {
  live: Live;
  credential: Credential;
  /** The token that follows the one that came: every request by cookie but a quiet one postpones the end of the session. */
  cookie: Exclude<Answer['cookie'], 'unset'>;
}

/** What a route says of who may call it. */
interface Guard extends Pick<Route, 'isQuiet' | 'beforePasswordChange'> {
  who: 'session' | 'admin';
}

/**
 * Who calls, or a refusal.
 *
 * @throws Refusal `unauthenticated` without a credential, `invalid_token` and `ambiguous_credentials` as
 * `readCredential` and `findSession` say, `password_change_required` for someone who must choose a new password first, `forbidden` for
 * someone who is not an administrator (any more).
 */
export async function authenticate(world: World, headers: Headers, guard: Guard): Promise<Authenticated> {
  const credential = await readCredential(world, headers);
  if (!credential) throw new Refusal('unauthenticated');
  const live = await findSession(world, credential);
  refuseNotAllowed(live, guard);
  if (guard.isQuiet) return { live, credential, cookie: undefined };
  const now = world.clock.now();
  world.lastSeen.note(live, now);
  const cookie =
    credential.kind === 'cookie' ? world.cookieTokens.slide(credential.claims, now, endOf(live)) : undefined;
  return { live, credential, cookie };
}

/**
 * Whether somebody who was let in would be let in now. Postpones nothing.
 *
 * @throws Refusal `invalid_token`, `password_change_required` and `forbidden`, as `authenticate` does.
 */
export async function authenticateAgain(world: World, credential: Credential, guard: Guard) {
  refuseNotAllowed(await findSessionAgain(world, credential), guard);
}

function refuseNotAllowed({ user }: Live, { who, beforePasswordChange }: Guard): void {
  if (user.password_change_required_at !== null && !beforePasswordChange)
    throw new Refusal('password_change_required');
  if (who === 'admin' && user.admin_since === null) throw new Refusal('forbidden');
}
