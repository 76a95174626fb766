import type { AppContext } from '../../context.ts';
import { recordEvent } from '../../core/events.ts';
import { mixedScripts } from '../../core/identifiers.ts';
import { markSetUpCompleted } from '../../core/installation.ts';
import { insertUser, type NewUser } from '../../core/users.ts';
import { isEmailReserved } from '../../core/verifications.ts';
import { HttpError } from '../../errors.ts';
import type { Call } from '../../http/route.ts';
import type { Db } from '../../platform/db/index.ts';
import { SignInProof } from '../sessions/sign-in-proof.ts';
import type { VerificationProof } from '../verifications/check-verification.ts';
import { takenError } from './check-new-user.ts';

/**
 * Proof that the caller has just created this account and chosen its password. Exported only as a type: only this
 * module creates one.
 */
class AccountProof extends SignInProof {
  readonly change = 'signed_up';
}

export type { AccountProof };

/** The identifiers and password of an account that a person creates for themselves. */
export interface OwnAccount extends Omit<NewUser, 'role'> {
  /** When the password was given, in milliseconds since 1970: at sign-up or just now. */
  passwordGivenAt: number;
}

/** The language of a person who signs up, for their emails; null if the browser names none that there is. */
export const languageOf = ({ languages }: Pick<AppContext, 'languages'>, headers: Headers): string | null =>
  languages.accepted(headers.get('accept-language')) ?? null;

/**
 * Creates the account of a person who signs up.
 *
 * @throws HttpError `user_exists`
 */
export async function makeAccount(
  tx: Db,
  { clock, keys }: Pick<AppContext, 'clock' | 'keys'>,
  { passwordGivenAt, ...newUser }: OwnAccount,
  client: Call['client'],
): Promise<AccountProof> {
  const now = clock.now();
  if (await isEmailReserved(tx, keys.verifications, newUser.emailKey, undefined, now))
    throw takenError(['email']);
  const made = await insertUser(tx, { ...newUser, role: 'user' }, now);
  if ('taken' in made) throw takenError(made.taken);
  const { user } = made;
  const details = { mixed_scripts: mixedScripts(user.username) };
  await recordEvent(tx, 'user_signed_up', client, { userId: user.id, actorId: user.id, details }, now);
  return new AccountProof(user, [{ method: 'password', at: passwordGivenAt }]);
}

/**
 * Creates the account of an invited person, once the link is used up.
 *
 * @throws HttpError `user_exists`
 */
export async function makeInvitedAccount(
  tx: Db,
  { clock, keys }: Pick<AppContext, 'clock' | 'keys'>,
  { passwordGivenAt, ...newUser }: OwnAccount & Pick<NewUser, 'role'>,
  _link: VerificationProof<'invitation'>,
  client: Call['client'],
): Promise<AccountProof> {
  const now = clock.now();
  if (await isEmailReserved(tx, keys.verifications, newUser.emailKey, undefined, now))
    throw takenError(['email']);
  const made = await insertUser(tx, { ...newUser, isEmailVerified: true }, now);
  if ('taken' in made) throw takenError(made.taken);
  const { user } = made;
  const about = { userId: user.id, actorId: user.id, details: { role: newUser.role } };
  await recordEvent(tx, 'invitation_accepted', client, about, now);
  return new AccountProof(user, [{ method: 'password', at: passwordGivenAt }]);
}

/**
 * Creates the first administrator, once the setup link is used up.
 *
 * @throws HttpError `setup_completed`: of concurrent calls, one succeeds; `user_exists`.
 */
export async function makeFirstAccount(
  tx: Db,
  { clock }: AppContext,
  { passwordGivenAt, ...newUser }: OwnAccount,
  link: VerificationProof<'setup'>,
  client: Call['client'],
): Promise<AccountProof> {
  const now = clock.now();
  if (!(await markSetUpCompleted(tx, now))) throw new HttpError('setup_completed');
  const made = await insertUser(tx, { ...newUser, role: 'admin' }, now);
  if ('taken' in made) throw takenError(made.taken);
  const { user } = made;
  await recordEvent(tx, 'setup_completed', client, { userId: user.id, actorId: user.id }, now);
  return new AccountProof(user, [...link.shown, { method: 'password', at: passwordGivenAt }]);
}
