import type { AppContext } from '../context.ts';
import { logout } from '../flows/sign-out/sign-out.ts';
import type { OptionalAuthCall, RouteResponse } from '../http/route.ts';
import { seeOther } from './layout.tsx';

/** Signs out; the result is the same if the session had already ended. */
export async function signOutSubmit(context: AppContext, call: OptionalAuthCall): Promise<RouteResponse> {
  return seeOther('/sign-in?done=signed-out', await logout(context, call));
}
