import { HttpError } from '../../errors.ts';
import type { RouteResponse } from '../../http/route.ts';
import type { Outcome, SignedIn } from '../sessions/finish-sign-in.ts';
import { showUser } from '../shapes/users.ts';

/** The response to a sign-up that created an account and signed its owner in. */
export function accountCreated(outcome: Outcome<SignedIn>): RouteResponse {
  switch (outcome.result) {
    case 'session':
      return {
        status: 201,
        body: { message: 'user created!', user: showUser(outcome.user) },
        ...outcome.cookies,
      };
    case 'rejected':
      throw new HttpError('conflict');
  }
}
