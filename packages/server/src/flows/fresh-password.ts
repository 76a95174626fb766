import { endOf, noteProven } from '../core/sessions.ts';
import type { SignedInCall } from '../edge/route.ts';
import type { World } from '../edge/world.ts';
import { Refusal } from '../errors.ts';
import { proveOwnPassword } from './prove-password.ts';

/** How long a password that was given counts as given just now; in milliseconds. */
const FRESH = 5 * 60_000;

/** Whether somebody proved who they are in this session just now: then a browser that was left open is not abused. */
export const isFresh = ({ clock }: Pick<World, 'clock'>, { live }: Pick<SignedInCall, 'live'>): boolean =>
  clock.now() - live.session.proven_at < FRESH;

/**
 * Before an act that a session which was left open must not do: the password, unless it was given just now.
 *
 * @throws Refusal as `proveOwnPassword` does.
 */
export async function proveFresh(
  world: World,
  call: ProvingCall,
  password: string | undefined,
): Promise<void> {
  if (isFresh(world, call)) return;
  await proveOwnPassword(world, call.live, password ?? '', call);
  await renewProof(world, call);
}

type ProvingCall = Pick<SignedInCall, 'live' | 'origin' | 'headers' | 'renewCookie'>;

/**
 * Notes that the password was just given, and replaces the session's cookie (ASVS 7.2.4): whoever copied the one before
 * has nothing of it. A program keeps its tokens, of which the access token ends within minutes.
 *
 * @throws Refusal `invalid_token` when the session ended meanwhile.
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
