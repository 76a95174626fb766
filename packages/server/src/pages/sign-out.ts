import type { World } from '../context.ts';
import type { Answer, LeavingCall } from '../edge/route.ts';
import { logout } from '../flows/sign-out/sign-out.ts';
import { seeOther } from './layout.tsx';

/** Ends the session; the same when it had ended already. */
export async function signOutAnswer(world: World, call: LeavingCall): Promise<Answer> {
  return seeOther('/sign-in?done=signed-out', await logout(world, call));
}
