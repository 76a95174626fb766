import type { AppContext } from '../context.ts';
import type { ActiveSession } from '../core/sessions.ts';
import { HttpError } from '../errors.ts';

/** How long an authentication counts as recent, in seconds. */
const MAX_AGE = 300;

/**
 * Whether the user authenticated recently in this session, to limit the abuse of a session that is left open or stolen.
 */
export const isRecentlyAuthenticated = (
  { clock }: Pick<AppContext, 'clock'>,
  { session }: ActiveSession,
): boolean => clock.now() - session.authenticated_at < MAX_AGE * 1000;

/** The error for a session without a recent authentication, with the challenge of RFC 9470, section 3. */
export const reauthenticationRequired = (): HttpError =>
  new HttpError('reauthentication_required', {
    headers: {
      'www-authenticate': `Bearer realm="usher", error="insufficient_user_authentication", error_description="A more recent sign-in is required", max_age="${MAX_AGE}"`,
    },
  });
