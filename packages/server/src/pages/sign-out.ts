import type { AppContext } from '../context.ts';
import { logout } from '../flows/sign-out/sign-out.ts';
import type { OptionalAuthCall, RouteResponse } from '../http/route.ts';
import { seeOther } from './layout.tsx';

/** Ends the session; the same when it had ended already. */
export async function signOutSubmit(context: AppContext, call: OptionalAuthCall): Promise<RouteResponse> {
  return seeOther('/sign-in?done=signed-out', await logout(context, call));
}
