import type { Shown } from '../../core/sessions/methods.ts';
import type { User } from '../../core/users.ts';
import type { Db } from '../../platform/db/index.ts';

/**
 * Proof of what a sign-in is based on, which `finishSignIn` requires. A file that checks a secret extends it by a class of
 * its own and exports that only as a type, so no other file creates its proofs. `.dependency-cruiser.js` says which files
 * may extend it.
 */
export abstract class SignInProof {
  /** What the owner is notified of. */
  abstract readonly change: 'signed_in' | 'signed_up' | 'password_changed';
  readonly #user: User;
  readonly #shown: readonly Shown[];

  constructor(user: User, shown: readonly Shown[]) {
    this.#user = user;
    this.#shown = shown;
  }

  /** The user as stored when the secret was checked. The password must still be the same when the session starts. */
  get user(): Readonly<User> {
    return this.#user;
  }

  get shown(): readonly Shown[] {
    return this.#shown;
  }

  /** Resets the rate limits that counted failed attempts before this one, in the transaction of the operation. */
  async resetAttempts(_tx: Db): Promise<void> {}
}
