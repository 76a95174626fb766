import { type EventName, events } from '../../events.ts';

/** What happened, as one says it to whom it happened. */
const words: Partial<Record<EventName, string>> = {
  setup_done: 'You set up this installation',
  user_signed_up: 'You made this account',
  user_created: 'This account was made for you',
  user_changed: 'Your user name or address was changed',
  user_promoted: 'You became an administrator',
  user_demoted: 'You are no administrator any more',
  user_disabled: 'Your account was disabled',
  user_enabled: 'Your account was enabled again',
  signed_in: 'You signed in',
  sign_in_refused: 'A sign-in to your account was refused',
  password_refused: 'A wrong current password was given',
  password_changed: 'Your password was changed',
  recovery_started: 'A mail was asked for, to set a new password',
  code_refused: 'A mailed code was refused',
  address_proven: 'You proved your address',
  address_change_started: 'Another address was asked for',
  address_changed: 'Your address was changed',
  address_restored: 'Your old address was put back',
  password_reset: 'A new password was set with a mailed code or link',
  signed_out: 'You signed out',
  signed_out_everywhere: 'You were signed out everywhere',
  session_ended: 'You ended a session',
  other_sessions_ended: 'You ended all other sessions',
  session_crowded_out: 'Your oldest session ended, because you have many',
  refresh_reused: 'A session was ended, because its token may be stolen',
};

/** Those that the owner should look at: perhaps it was somebody else. */
const notable: readonly string[] = [
  'sign_in_refused',
  'password_refused',
  'code_refused',
  'refresh_reused',
] satisfies EventName[];

export const wordsFor = (name: string): string =>
  words[name as EventName] ?? events[name as EventName]?.replace(/\.$/, '') ?? name;

export const isNotable = (name: string): boolean => notable.includes(name);
