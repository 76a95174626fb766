/** Every audit event, once: its name, and what it says happened. `core/events` writes no other. */
export const events = {
  installation_created: 'The database was set up for the first time.',
  database_restored:
    'An older copy of the database was put back: all sessions, known browsers and programs, mailed codes and links (except those that take an address back) and the set-up link were revoked.',
  setup_done: 'The first administrator was made with the set-up link.',

  user_signed_up: 'Someone made an account of their own.',
  sign_up_started: 'Someone asked for an account, which there is once the mail is answered.',
  user_created: 'An administrator or operator made an account.',
  user_imported: 'An operator brought an account along from another program.',
  user_changed: 'A user name or address was changed.',
  user_promoted: 'A user became an administrator.',
  user_demoted: 'An administrator became a user.',
  user_disabled: 'An account was disabled and its sessions ended.',
  user_enabled: 'An account was enabled again.',
  user_deleted: 'An account was deleted with all that belonged to it.',

  signed_in: 'A sign-in succeeded.',
  sign_in_refused: 'A sign-in was refused: wrong password, unknown name or disabled account.',
  password_refused: 'A signed-in user gave a wrong current password.',
  password_changed: 'A password was changed and all older sessions ended.',

  recovery_started:
    'A mail was asked for because a password was forgotten: by somebody, or by an administrator or operator for the user.',
  code_refused: 'A mailed code was refused: wrong, run out, or tried too often.',
  address_proven: 'Someone proved to read what is sent to the address of an account.',
  address_change_started: 'Someone asked for another address of an account.',
  address_changed: 'An account has another address, which was proven.',
  address_restored: 'The address before the last change was put back with the link that was mailed to it.',
  password_reset: 'A password was replaced with a mailed code or link, and all sessions ended.',

  device_distrusted:
    'A browser that the account knew gave ten wrong passwords in a row: it is not known any more, and the owner was told.',
  device_removed: 'A known browser or program of an account was removed, or all of them.',

  limit_reached:
    'An attempt was not looked at because a limit was reached; the first ten of a limit one by one, then each time their number doubled.',
  limits_lifted: 'An administrator or operator forgot what the limits of an account had counted.',

  signed_out: 'A session was ended by its user.',
  signed_out_everywhere: 'All sessions of a user were ended.',
  session_ended: 'A user ended another one of their sessions.',
  other_sessions_ended: 'A user ended all their sessions but the one they used.',
  session_crowded_out: 'A session was ended because the user signed in more often than sessions are kept.',
  session_replaced: 'A session was ended because somebody signed in again in its browser.',
  refresh_retried:
    'A used refresh token came again, while the one after it was not used yet: an answer was lost, or it is stolen.',
  refresh_reused: 'A used refresh token came again: it may be stolen, so its session was ended.',

  mail_sent: 'The mail server took a mail.',
  mail_refused: 'The mail server refused a mail for good.',
  mail_expired: 'A mail could not be sent before it was not worth it any more.',
  mail_retried: 'An administrator or operator had a mail sent again that was refused or given up.',

  users_exported: 'An operator wrote all users into a file, with or without their password hashes.',

  key_created: 'A signing key was made.',
  key_rotated: 'A new signing key was made to follow the one in use.',
} as const satisfies Record<string, string>;

export type EventName = keyof typeof events;
