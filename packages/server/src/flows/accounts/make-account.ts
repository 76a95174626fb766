import type { World } from '../../context.ts';
import { isHeld } from '../../core/codes.ts';
import { recordEvent } from '../../core/events.ts';
import { finishSetUp } from '../../core/installation.ts';
import { mixedScripts } from '../../core/names.ts';
import type { Shown } from '../../core/sessions/methods.ts';
import { insertUser, type NewUser, type User } from '../../core/users.ts';
import type { Call } from '../../edge/route.ts';
import { Refusal } from '../../errors.ts';
import type { Db } from '../../platform/db/index.ts';
import type { VerificationProof } from '../verifications/prove-mailbox.ts';
import { takenRefusal } from './check-new-user.ts';

/**
 * Shows that somebody has just made this account, and chose its password. Exported as a type: only the functions of this file
 * make one.
 */
class AccountProof {
  readonly news = 'signed_up';
  readonly #user: User;
  readonly #shown: readonly Shown[];

  constructor(user: User, shown: readonly Shown[]) {
    this.#user = user;
    this.#shown = shown;
  }

  get user(): Readonly<User> {
    return this.#user;
  }

  get shown(): readonly Shown[] {
    return this.#shown;
  }

  /** Nothing was counted against an account that was not there. */
  async forget(): Promise<void> {}
}

export type { AccountProof };

/** Names and password of an account that somebody makes for themselves. */
export interface OwnAccount extends Omit<NewUser, 'role'> {
  /** When the password was given, in milliseconds since 1970: at the sign-up, or just now. */
  passwordGivenAt: number;
}

/** Makes the account of someone who signed up. @throws Refusal `signup_taken` */
export async function makeAccount(
  tx: Db,
  { clock, keys }: Pick<World, 'clock' | 'keys'>,
  { passwordGivenAt, ...newUser }: OwnAccount,
  origin: Call['origin'],
): Promise<AccountProof> {
  const now = clock.now();
  if (await isHeld(tx, keys.codes, newUser.emailKey, undefined, now)) throw takenRefusal(['email']);
  const made = await insertUser(tx, { ...newUser, role: 'user' }, now);
  if ('taken' in made) throw takenRefusal(made.taken);
  const { user } = made;
  const details = { mixed_scripts: mixedScripts(user.username) };
  await recordEvent(tx, 'user_signed_up', origin, { userId: user.id, actorId: user.id, details }, now);
  return new AccountProof(user, [{ method: 'password', at: passwordGivenAt }]);
}

/**
 * Makes the first administrator, for whoever used the set-up link up.
 *
 * @throws Refusal `setup_done`: of many at once, one succeeds; `signup_taken`.
 */
export async function makeFirstAccount(
  tx: Db,
  { clock }: World,
  { passwordGivenAt, ...newUser }: OwnAccount,
  link: VerificationProof<'setup'>,
  origin: Call['origin'],
): Promise<AccountProof> {
  const now = clock.now();
  if (!(await finishSetUp(tx, now))) throw new Refusal('setup_done');
  const made = await insertUser(tx, { ...newUser, role: 'admin' }, now);
  if ('taken' in made) throw takenRefusal(made.taken);
  const { user } = made;
  await recordEvent(tx, 'setup_done', origin, { userId: user.id, actorId: user.id }, now);
  return new AccountProof(user, [...link.shown, { method: 'password', at: passwordGivenAt }]);
}
