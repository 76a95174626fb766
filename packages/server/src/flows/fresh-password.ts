import { noteProven } from '../core/sessions.ts';
import type { SignedInCall } from '../edge/route.ts';
import type { World } from '../edge/world.ts';
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
  call: Pick<SignedInCall, 'live' | 'origin' | 'headers'>,
  password: string | undefined,
): Promise<void> {
  if (isFresh(world, call)) return;
  await proveOwnPassword(world, call.live, password ?? '', call);
  await noteProven(world.db, call.live.session.id, world.clock.now());
}
