import type { World } from '../context.ts';
import type { Live } from '../core/sessions.ts';
import { Refusal } from '../errors.ts';

/** How long a password counts as given just now; in seconds. */
const MAX_AGE = 300;

/** Whether the user gave the password in this session just now, so that a session left open or stolen is not abused. */
export const isFresh = ({ clock }: Pick<World, 'clock'>, { session }: Live): boolean =>
  clock.now() - session.proven_at < MAX_AGE * 1000;

/** The refusal of a session that is not fresh, with the challenge of RFC 9470, section 3. */
export const freshSignInRequired = (): Refusal =>
  new Refusal('fresh_sign_in_required', {
    headers: {
      'www-authenticate': `Bearer realm="usher", error="insufficient_user_authentication", error_description="A more recent sign-in is required", max_age="${MAX_AGE}"`,
    },
  });
