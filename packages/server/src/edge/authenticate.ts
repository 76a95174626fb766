import { endOf, type Live } from '../core/sessions.ts';
import { Refusal } from '../errors.ts';
import { type Credential, findSession, readCredential } from './credential.ts';
import type { Answer } from './route.ts';
import type { World } from './world.ts';

export interface Authenticated {
  live: Live;
  kind: Credential['kind'];
  /** The token that follows the one that came: every request by cookie postpones the end of the session. */
  cookie: Exclude<Answer['cookie'], 'unset'>;
}

/**
 * Who calls, or a refusal.
 *
 * @throws Refusal `unauthenticated` without a credential, `invalid_token` and `ambiguous_credentials` as
 * `readCredential` and `findSession` say, `forbidden` for someone who is not an administrator (any more).
 */
export async function authenticate(
  world: World,
  headers: Headers,
  who: 'session' | 'admin',
): Promise<Authenticated> {
  const credential = await readCredential(world, headers);
  if (!credential) throw new Refusal('unauthenticated');
  const live = await findSession(world, credential);
  if (who === 'admin' && live.user.admin_since === null) throw new Refusal('forbidden');
  const now = world.clock.now();
  world.lastSeen.note(live.session.id, live.session.last_seen_at, now);
  const cookie =
    credential.kind === 'cookie' ? world.cookieTokens.slide(credential.claims, now, endOf(live)) : undefined;
  return { live, kind: credential.kind, cookie };
}
