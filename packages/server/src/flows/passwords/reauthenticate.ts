import type { AppContext } from '../../context.ts';
import { HttpError } from '../../errors.ts';
import type { SignedInCall } from '../../http/route.ts';
import { finishReauthentication } from '../sessions/finish-sign-in.ts';
import { reauthenticateWithPassword } from './authenticate-with-password.ts';

type ReauthenticationCall = Pick<SignedInCall, 'activeSession' | 'client' | 'headers' | 'renewCookie'>;

/**
 * Reauthenticates a session with the password: for the next five minutes it may call routes that require
 * reauthentication.
 *
 * @throws HttpError as `reauthenticateWithPassword` does; `invalid_token` when the session was revoked in the meantime.
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
    case 'rejected':
      throw new HttpError('invalid_token');
  }
}
