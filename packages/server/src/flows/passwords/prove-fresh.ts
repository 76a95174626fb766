import type { World } from '../../context.ts';
import { endOf, noteProven } from '../../core/sessions.ts';
import type { SignedInCall } from '../../edge/route.ts';
import { Refusal } from '../../errors.ts';
import { proveOwnPassword } from './prove-password.ts';

type ProvingCall = Pick<SignedInCall, 'live' | 'origin' | 'headers' | 'renewCookie'>;

/**
 * Makes a session fresh: for the next five minutes it may do what asks for a fresh sign-in.
 *
 * @throws Refusal as `proveOwnPassword` does; `invalid_token` when the session ended meanwhile.
 */
export async function proveFresh(world: World, call: ProvingCall, password: string): Promise<void> {
  await proveOwnPassword(world, call.live, password, call);
  await renewProof(world, call);
}

/**
 * Notes that the password was just given, and replaces the session's cookie (ASVS 7.2.4): whoever copied the one before
 * has nothing of it. A program keeps its tokens, of which the access token ends within minutes.
 */
async function renewProof(
  world: World,
  { live, renewCookie }: Pick<ProvingCall, 'live' | 'renewCookie'>,
): Promise<void> {
  const { db, clock, cookieTokens } = world;
  const { id: sessionId, kind, amr } = live.session;
  const now = clock.now();
  const signedInAt = await noteProven(db, sessionId, now);
  if (signedInAt === undefined) throw new Refusal('invalid_token');
  if (kind !== 'cookie') return;
  const subject = { userId: live.user.id, sessionId, signedInAt, amr: amr.split(' ') };
  renewCookie(cookieTokens.make(subject, now, endOf(live)));
}
