import type { World } from '../../context.ts';
import type { SignedInCall } from '../../edge/route.ts';
import { Refusal } from '../../errors.ts';
import { cannotAskForFactor, finishReauthentication } from '../sessions/finish-sign-in.ts';
import { proveOwnPassword } from './prove-password.ts';

type ProvingCall = Pick<SignedInCall, 'live' | 'origin' | 'headers' | 'renewCookie'>;

/**
 * Makes a session fresh: for the next five minutes it may do what asks for a fresh sign-in.
 *
 * @throws Refusal as `proveOwnPassword` does; `invalid_token` when the session ended meanwhile.
 */
export async function proveFresh(world: World, call: ProvingCall, password: string): Promise<void> {
  const proof = await proveOwnPassword(world, call.live, password, call);
  const outcome = await finishReauthentication(world, call.live, proof);
  switch (outcome.result) {
    case 'session':
      if (outcome.cookie) call.renewCookie(outcome.cookie);
      return;
    case 'factor_required':
      throw cannotAskForFactor();
    case 'refused':
      throw new Refusal('invalid_token');
  }
}
