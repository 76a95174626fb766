import type { AppContext } from '../../context.ts';
import { HttpError } from '../../errors.ts';
import type { SignedInCall } from '../../http/route.ts';
import { cannotAskForFactor, finishReauthentication } from '../sessions/finish-sign-in.ts';
import { reauthenticateWithPassword } from './authenticate-with-password.ts';

type ReauthenticationCall = Pick<SignedInCall, 'activeSession' | 'client' | 'headers' | 'renewCookie'>;

/**
 * Makes a session fresh: for the next five minutes it may do what asks for a fresh sign-in.
 *
 * @throws HttpError as `reauthenticateWithPassword` does; `invalid_token` when the session ended meanwhile.
 */
export async function reauthenticate(
  context: AppContext,
  call: ReauthenticationCall,
  password: string,
): Promise<void> {
  const result = await reauthenticateWithPassword(context, call.activeSession, password, call);
  const outcome = await finishReauthentication(context, call.activeSession, result);
  switch (outcome.result) {
    case 'session':
      if (outcome.cookie) call.renewCookie(outcome.cookie);
      return;
    case 'factor_required':
      throw cannotAskForFactor();
    case 'rejected':
      throw new HttpError('invalid_token');
  }
}
