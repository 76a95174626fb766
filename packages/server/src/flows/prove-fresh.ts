import { noteProven } from '../core/sessions.ts';
import type { SignedInCall } from '../edge/route.ts';
import type { World } from '../edge/world.ts';
import { proveOwnPassword } from './prove-password.ts';

/**
 * Makes a session fresh: for the next five minutes it may do what asks for a fresh sign-in.
 *
 * @throws Refusal as `proveOwnPassword` does.
 */
export async function proveFresh(
  world: World,
  call: Pick<SignedInCall, 'live' | 'origin' | 'headers'>,
  password: string,
): Promise<void> {
  await proveOwnPassword(world, call.live, password, call);
  await noteProven(world.db, call.live.session.id, world.clock.now());
}
