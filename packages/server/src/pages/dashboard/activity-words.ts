import type { RecordedEvent } from '../../core/events.ts';
import type { EventName } from '../../events.ts';
import { isByOther, limitActivity, mailAbout } from '../../flows/account/activity.ts';

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

  limit_reached: ({ limit }) => limitActivity(limit) ?? 'An attempt was not looked at: there were too many',
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

function toWhatEnd(kind: unknown): string {
  const about = mailAbout(kind);
  return about === undefined ? '' : ` ${about}`;
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
