import { isByOther, type RecordedEvent } from '../../core/events.ts';
import type { budgets, LimitName } from '../../core/limits.ts';
import type { MailKind } from '../../core/mails.ts';
import type { EventName } from '../../events.ts';

/** What the words hang on. */
type Told = Pick<RecordedEvent, 'name' | 'userId' | 'actorId' | 'details'>;
type Words = string | ((details: Told['details']) => string);

/** What happened, as one says it to whom it happened; null for what is about no account, or about one that is gone. */
const words: Record<EventName, Words | null> = {
  installation_created: null,
  database_restored: null,
  setup_done: 'You set up this installation',

  user_signed_up: 'You made this account',
  sign_up_started: 'Someone tried to make another account with your address',
  user_created: 'This account was made for you',
  user_imported: 'Your account was brought along from another program',
  user_changed: 'Your user name was changed',
  user_promoted: 'You became an administrator',
  user_demoted: 'You are no administrator any more',
  user_disabled: 'Your account was disabled',
  user_enabled: 'Your account was enabled again',
  user_deleted: null,

  signed_in: 'You signed in',
  sign_in_refused: 'A sign-in to your account was refused',
  password_refused: 'A wrong current password was given',
  password_changed: 'Your password was changed',

  recovery_started: 'A mail was asked for, to choose a new password',
  code_refused: 'A mailed code was refused',
  address_proven: 'You proved your address',
  address_change_started: 'Another address was asked for',
  address_changed: 'Your address was changed',
  address_restored: 'Your old address was put back',
  password_reset: 'A new password was set with a mailed code or link',

  device_distrusted: 'A browser gave ten wrong passwords in a row, and is no longer known',
  device_removed: 'A known browser or program was removed',

  limit_reached: ({ limit }) =>
    limits[limit as LimitName] ?? 'An attempt was not looked at: there were too many',
  limits_lifted: 'What the limits had counted was forgotten, so that you can try again at once',

  signed_out: 'You signed out',
  signed_out_everywhere: 'You were signed out everywhere',
  session_ended: 'You ended a session',
  other_sessions_ended: 'You ended all other sessions',
  session_crowded_out: 'Your oldest session ended, because you have many',
  session_replaced: 'A session ended, because its browser signed in again',
  refresh_retried: 'A program used a refresh token twice: an answer was lost, or somebody copied the token',
  refresh_reused: 'A session was ended, because its token may be stolen',

  mail_sent: ({ kind }) => `A mail was sent${toWhatEnd(kind)}`,
  mail_refused: ({ kind }) => `The mail server refused a mail${toWhatEnd(kind)}`,
  mail_expired: ({ kind }) => `A mail${toWhatEnd(kind)} could not be sent in time`,
  mail_retried: ({ kind }) => `A mail${toWhatEnd(kind)} was sent again`,

  users_exported: null,
  key_created: null,
  key_rotated: null,
};

const TOO_MANY_PASSWORDS = 'A password was not looked at, because too many were wrong before it';
const TOO_MANY_CODES = 'A mailed code was not looked at, because too many were wrong before it';
const TOO_MANY_CHANGES = 'A change was not made, because there were too many before it';
const TOO_MANY_MAILS = 'A mail was not sent, because there were too many';

type OfRange = {
  [K in LimitName]: (typeof budgets)[K]['of'] extends 'range' ? K : never;
}[LimitName];

/** Those that can be about one account; the others stop strangers and networks. */
const limits: Record<Exclude<LimitName, OfRange>, string> & Partial<Record<OfRange, string>> = {
  password: TOO_MANY_PASSWORDS,
  passwordByName: TOO_MANY_PASSWORDS,
  passwordsInAll: TOO_MANY_PASSWORDS,
  device: TOO_MANY_PASSWORDS,
  devicesInAll: TOO_MANY_PASSWORDS,
  codes: TOO_MANY_CODES,
  codesInAll: TOO_MANY_CODES,
  shortCodes: TOO_MANY_CODES,
  shortCodesInAll: TOO_MANY_CODES,
  allCodes: TOO_MANY_CODES,
  codesFrom: TOO_MANY_CODES,
  mailsTo: TOO_MANY_MAILS,
  recoveryTo: TOO_MANY_MAILS,
  recoveryToFrom: TOO_MANY_MAILS,
  recoveryKnown: TOO_MANY_MAILS,
  emailChanges: 'A change of your address was not looked at, because there were too many before it',
  profileChanges: TOO_MANY_CHANGES,
  passwordChanges: TOO_MANY_CHANGES,
  adminChanges: TOO_MANY_CHANGES,
  keyRotations: TOO_MANY_CHANGES,
  sessionChanges: 'A request to end sessions was not followed, because there were too many before it',
  emailRequests: TOO_MANY_MAILS,
  noticesTo: TOO_MANY_MAILS,
  signInNoticesTo: TOO_MANY_MAILS,
};

const ends: Record<MailKind, string> = {
  reset_password: 'to choose a new password',
  verify_email: 'to prove your address',
  change_email: 'to prove your new address',
  email_changing: 'about a change of your address',
  email_changed: 'about your new address',
  password_changed: 'about your new password',
  new_device: 'about a sign-in from a new device',
  device_distrusted: 'about wrong passwords from a known browser',
  refresh_reused: 'about a session that was revoked',
  account_deleted: 'about the end of an account',
  sign_up_attempt: 'about another account with your address',
  sign_up: 'to finish your sign-up',
};

function toWhatEnd(kind: unknown): string {
  const end = ends[kind as MailKind];
  return end === undefined ? '' : ` ${end}`;
}

/** Those that the owner should look at: perhaps it was somebody else. */
const notable: ReadonlySet<string> = new Set([
  'sign_in_refused',
  'password_refused',
  'code_refused',
  'device_distrusted',
  'limit_reached',
  'sign_up_started',
  'refresh_reused',
] satisfies EventName[]);

export function wordsFor({ name, details }: Told): string {
  const said = words[name as EventName];
  if (typeof said === 'function') return said(details);
  // An event of a later version has its name alone.
  return said ?? name;
}

export const isNotable = (told: Told): boolean => notable.has(told.name) && otherOf(told) === undefined;

/** Who else did it, in the owner's place; undefined when the owner did, or nobody knows who. */
export function otherOf(told: Told): string | undefined {
  if (!isByOther(told)) return undefined;
  return told.actorId === 'operator' ? 'By the operator' : 'By an administrator';
}
