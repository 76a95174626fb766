// What must not compile. `npm run check:types` complains of a line marked below that does; beside each stands the same with the
// one thing right, which must. Nothing here runs.

import type { AppContext } from '../../src/context.ts';
import { addDevice } from '../../src/core/devices.ts';
import { type NewSession, startSession } from '../../src/core/sessions/start.ts';
import { type LockedUser, lockUser } from '../../src/core/users/lock.ts';
import type { User } from '../../src/core/users.ts';
import type { PurposeRow } from '../../src/core/verifications/purposes.ts';
import { countVerificationAttempt, createVerification } from '../../src/core/verifications.ts';
import {
  type AccountProof,
  makeFirstAccount,
  type OwnAccount,
} from '../../src/flows/accounts/make-account.ts';
import type { PasswordProof } from '../../src/flows/passwords/authenticate-with-password.ts';
import { finishRecovery, finishSignIn } from '../../src/flows/sessions/finish-sign-in.ts';
import { rememberBrowser } from '../../src/flows/sessions/known-devices.ts';
import {
  type CheckedVerification,
  useVerification,
  type VerificationProof,
} from '../../src/flows/verifications/check-verification.ts';
import type { Call, RouteResponse } from '../../src/http/route.ts';
import type { Db, Tx } from '../../src/platform/db/index.ts';

declare const context: AppContext;
declare const call: Call;
declare const db: Db;
declare const tx: Tx;
declare const user: User;
declare const somebodyElse: User;
declare const lock: LockedUser;
declare const session: NewSession;
declare const password: PasswordProof;
declare const account: AccountProof;
declare const checked: CheckedVerification<'reset_password'>;
declare const email: VerificationProof<'reset_password'>;
declare const newEmail: VerificationProof<'change_email'>;
declare const setUpLink: VerificationProof<'setup'>;
declare const unusedLink: CheckedVerification<'setup'>;
declare const now: number;

const cookie = { kind: 'cookie' } as const;

export const startsSessions = [
  startSession(lock, session, now),
  // @ts-expect-error A flow that starts a session for a user whom nobody has locked.
  startSession({ tx, user }, session, now),
  // @ts-expect-error A flow that turns the lock on one user into one on another.
  startSession({ ...lock, tx, user: somebodyElse }, session, now),
  // @ts-expect-error A flow that names a user beside the lock.
  startSession(lock, { ...session, userId: somebodyElse.id }, now),
];

export function changesLock(): void {
  // @ts-expect-error The lock of one user is not made one of another.
  lock.user = somebodyElse;
  // @ts-expect-error Nor by its row.
  lock.user.id = somebodyElse.id;
  // @ts-expect-error Nor does it go on to another transaction.
  lock.tx = tx;
}

// @ts-expect-error Only `lockUser` makes a lock: the class is exported as a type.
export const forged = new (await import('../../src/core/users/lock.ts')).LockedUser(tx, user);

export const locks = [
  lockUser(tx, user),
  // @ts-expect-error Outside a transaction there is nothing to hold.
  lockUser(db, user),
];

export const knownDevices = [
  rememberBrowser(lock, context, call),
  // @ts-expect-error A browser becomes known only where the user is locked, which the exit alone does.
  rememberBrowser({ tx, user }, context, call),
  // @ts-expect-error The same of what is written.
  addDevice({ tx, user }, { id: '', kind: 'cookie', ip: '', userAgent: '' }, now),
];

export const signsIn = [
  finishSignIn(context, call, cookie, password),
  finishSignIn(context, call, cookie, account),
  // @ts-expect-error A flow that has a user and no proof.
  finishSignIn(context, call, cookie, user),
  // @ts-expect-error A flow that claims what was not shown.
  finishSignIn(context, call, cookie, {
    change: 'signed_in',
    user,
    shown: [],
    resetAttempts: async () => {},
  }),
  // @ts-expect-error A flow that turns the proof of one user into one of another.
  finishSignIn(context, call, cookie, {
    ...password,
    resetAttempts: password.resetAttempts,
    shown: [],
    user: somebodyElse,
  }),
  // @ts-expect-error An emailed code or link signs nobody in yet.
  finishSignIn(context, call, cookie, email),
];

export function changesProof(): void {
  // @ts-expect-error A proof does not change hands.
  password.user = somebodyElse;
  // @ts-expect-error Nor does it say more than was shown.
  password.shown = [{ method: 'email', at: now }];
}

const recovery = { hash: '', isGenerated: false };

export const recovers = [
  finishRecovery(context, call, recovery, async () => email),
  // @ts-expect-error A flow that does not use the code or link up: it would work twice.
  finishRecovery(context, call, recovery, async () => checked),
  // @ts-expect-error Nor does a password take an account back.
  finishRecovery(context, call, recovery, async () => password),
  // @ts-expect-error Nor does an email that went to the new email of an account, which its thief may have chosen.
  finishRecovery(context, call, recovery, async () => newEmail),
  useVerification(tx, context, checked),
  // @ts-expect-error A flow that was not checked is not used up either.
  useVerification(tx, context, { verification: checked.verification, purpose: checked.purpose }),
];

declare const own: OwnAccount;

export const firstAccounts = [
  makeFirstAccount(tx, context, own, setUpLink, call.client),
  // @ts-expect-error The first administrator needs a link that was used up.
  makeFirstAccount(tx, context, own, unusedLink, call.client),
  // @ts-expect-error And no other link does.
  makeFirstAccount(tx, context, own, email, call.client),
];

export async function answersEachCase(): Promise<RouteResponse> {
  const outcome = await finishSignIn(context, call, cookie, password);
  switch (outcome.result) {
    case 'session':
      return { status: 200, ...outcome.cookies };
    case 'rejected':
      return { status: 401 };
  }
}

// @ts-expect-error A flow that forgets `rejected` ends without an answer.
export async function forgetsRejection(): Promise<RouteResponse> {
  const outcome = await finishSignIn(context, call, cookie, password);
  switch (outcome.result) {
    case 'session':
      return { status: 200, ...outcome.cookies };
  }
}

export async function asksNothing(): Promise<RouteResponse> {
  const outcome = await finishSignIn(context, call, cookie, password);
  // @ts-expect-error A flow that takes every outcome for a session.
  return { status: 200, ...outcome.cookies };
}

const row = {
  description: '',
  of: 'account',
  page: '/verify',
  linkLifetime: 0,
  hasCode: true,
  shows: 'email',
  endsOlder: false,
  canRepeatLink: false,
  endsWithRestoredDatabase: true,
} as const;
const ends = {
  sign_in: 'ends',
  password_change: 'ends',
  recovery: 'ends',
  sign_out_everywhere: 'ends',
  email_change: 'ends',
} as const;

export const rows: PurposeRow[] = [
  { ...row, endedBy: { ...ends, disable: 'ends' } },
  // @ts-expect-error A purpose that does not say whether a disable ends it.
  { ...row, endedBy: ends },
  // @ts-expect-error One of an account that says nothing of what ends it.
  row,
];

const asked = { email: '', verificationId: undefined };
declare const keys: AppContext['keys'];
const rules = { checks: 5, lifetime: 0 };

export const codes = [
  countVerificationAttempt(db, keys.verifications, { ...asked, purposes: ['reset_password'] }, rules, now),
  // @ts-expect-error A purpose that has no code is checked for none.
  countVerificationAttempt(db, keys.verifications, { ...asked, purposes: ['restore_email'] }, rules, now),
  // @ts-expect-error Nothing begins for a purpose that is not in the table.
  createVerification(tx, keys, { purpose: 'no_such_purpose', userId: '', email: '' }, { digits: 6 }, now),
];
