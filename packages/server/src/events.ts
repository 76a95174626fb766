import type { TextKey } from './languages/text.ts';

/**
 * Every audit event: its name, the text of its label, and what happened. `core/events` records no others. The name is for
 * programs; pages show the label.
 */
export const events = {
  installation_created: ['event.installation_created', 'The database was set up for the first time.'],
  database_restored: [
    'event.database_restored',
    'An older copy of the database was restored. All sessions, known devices, email codes and links (except links that undo an email change) and the setup link were revoked.',
  ],
  setup_completed: ['event.setup_completed', 'The first administrator was created with the setup link.'],

  user_signed_up: ['event.user_signed_up', 'Someone created their own account.'],
  sign_up_requested: [
    'event.sign_up_requested',
    'Someone started to sign up. The account is created when they verify the email.',
  ],
  user_created: ['event.user_created', 'An administrator or operator created an account.'],
  user_invited: [
    'event.user_invited',
    'An administrator or operator emailed an invitation to create an account.',
  ],
  invitation_revoked: ['event.invitation_revoked', 'An administrator or operator revoked an invitation.'],
  invitation_accepted: [
    'event.invitation_accepted',
    'An invited person chose a password and got an account.',
  ],
  user_imported: ['event.user_imported', 'An operator imported an account from another system.'],
  user_updated: [
    'event.user_updated',
    'A profile was changed: the username, the display name or the language.',
  ],
  user_promoted: ['event.user_promoted', 'A user became an administrator.'],
  user_demoted: ['event.user_demoted', 'An administrator became a regular user.'],
  user_disabled: ['event.user_disabled', 'An account was disabled and its sessions were revoked.'],
  user_enabled: ['event.user_enabled', 'An account was enabled again.'],
  user_deleted: ['event.user_deleted', 'An account and all its data were deleted.'],

  signed_in: ['event.signed_in', 'A sign-in succeeded.'],
  sign_in_failed: [
    'event.sign_in_failed',
    'A sign-in failed: incorrect password, unknown username or email, or disabled account.',
  ],
  reauthentication_failed: [
    'event.reauthentication_failed',
    'A signed-in user entered an incorrect current password.',
  ],
  password_changed: ['event.password_changed', 'A password was changed and all older sessions were revoked.'],

  password_reset_requested: [
    'event.password_reset_requested',
    'Someone requested a password reset email, or an administrator or operator sent one to the user.',
  ],
  verification_failed: [
    'event.verification_failed',
    'A code from an email was rejected: incorrect, expired or after too many attempts.',
  ],
  email_verified: ['event.email_verified', 'A user verified the email of their account.'],
  email_change_requested: [
    'event.email_change_requested',
    'A user asked to change the email of their account.',
  ],
  email_changed: ['event.email_changed', 'A user verified a new email, and the account now has it.'],
  email_restored: [
    'event.email_restored',
    'The previous email was restored with the link that was sent to it.',
  ],
  password_reset: [
    'event.password_reset',
    'A password was reset with a code or link from an email, and all sessions were revoked.',
  ],

  device_trust_revoked: [
    'event.device_trust_revoked',
    'A known device sent ten incorrect passwords in a row. It is no longer known, and the user was notified.',
  ],
  device_removed: ['event.device_removed', 'One or all known devices of an account were removed.'],

  rate_limit_exceeded: [
    'event.rate_limit_exceeded',
    'A rate limit blocked an attempt. The first ten blocked attempts are logged individually, then one each time their number doubles.',
  ],
  rate_limits_reset: [
    'event.rate_limits_reset',
    'An administrator or operator reset the rate limits of an account.',
  ],

  signed_out: ['event.signed_out', 'A user signed out of a session.'],
  signed_out_everywhere: ['event.signed_out_everywhere', 'All sessions of a user were revoked.'],
  session_revoked: ['event.session_revoked', 'A user revoked another one of their sessions.'],
  other_sessions_revoked: [
    'event.other_sessions_revoked',
    'A user revoked all their sessions except the current one.',
  ],
  session_evicted: [
    'event.session_evicted',
    'A user’s oldest session was removed because they reached the session limit.',
  ],
  session_replaced: [
    'event.session_replaced',
    'A session was revoked because someone signed in again in the same browser.',
  ],
  refresh_token_retried: [
    'event.refresh_token_retried',
    'A used refresh token was sent again before the token that replaced it was used. A response was lost, or the token is stolen.',
  ],
  refresh_token_reused: [
    'event.refresh_token_reused',
    'A used refresh token was sent again and may be stolen. Its session was revoked.',
  ],

  email_sent: ['event.email_sent', 'The mail server accepted an email.'],
  email_rejected: ['event.email_rejected', 'The mail server permanently rejected an email.'],
  email_expired: ['event.email_expired', 'An email expired before it could be delivered.'],
  email_retried: ['event.email_retried', 'An administrator or operator resent a rejected or failed email.'],

  users_exported: [
    'event.users_exported',
    'An operator exported all users to a file, with or without their password hashes, or an administrator the users of a list.',
  ],
  events_exported: ['event.events_exported', 'An administrator exported events of the audit log to a file.'],

  key_created: ['event.key_created', 'A signing key was created.'],
  key_rotated: ['event.key_rotated', 'A signing key was created to replace the current one.'],
} as const satisfies Record<string, readonly [label: TextKey, meaning: string]>;

export type EventName = keyof typeof events;

/** The key of what an event or a rate limit is called where its owner reads about it. */
export type ActivityKey = TextKey extends infer Key
  ? Key extends `activity.${string}` | `activity_limit.${string}`
    ? Key
    : never
  : never;

/**
 * How each event is described to the user it happened to. Null for events that concern no account, or a deleted one.
 */
export const activity: Record<EventName, ActivityKey | null> = {
  installation_created: null,
  database_restored: null,
  setup_completed: 'activity.setup_completed',

  user_signed_up: 'activity.user_signed_up',
  sign_up_requested: 'activity.sign_up_requested',
  user_created: 'activity.user_created',
  user_invited: null,
  invitation_revoked: null,
  invitation_accepted: 'activity.invitation_accepted',
  user_imported: 'activity.user_imported',
  user_updated: 'activity.user_updated',
  user_promoted: 'activity.user_promoted',
  user_demoted: 'activity.user_demoted',
  user_disabled: 'activity.user_disabled',
  user_enabled: 'activity.user_enabled',
  user_deleted: null,

  signed_in: 'activity.signed_in',
  sign_in_failed: 'activity.sign_in_failed',
  reauthentication_failed: 'activity.reauthentication_failed',
  password_changed: 'activity.password_changed',

  password_reset_requested: 'activity.password_reset_requested',
  verification_failed: 'activity.verification_failed',
  email_verified: 'activity.email_verified',
  email_change_requested: 'activity.email_change_requested',
  email_changed: 'activity.email_changed',
  email_restored: 'activity.email_restored',
  password_reset: 'activity.password_reset',

  device_trust_revoked: 'activity.device_trust_revoked',
  device_removed: 'activity.device_removed',

  rate_limit_exceeded: 'activity.rate_limit_exceeded',
  rate_limits_reset: 'activity.rate_limits_reset',

  signed_out: 'activity.signed_out',
  signed_out_everywhere: 'activity.signed_out_everywhere',
  session_revoked: 'activity.session_revoked',
  other_sessions_revoked: 'activity.other_sessions_revoked',
  session_evicted: 'activity.session_evicted',
  session_replaced: 'activity.session_replaced',
  refresh_token_retried: 'activity.refresh_token_retried',
  refresh_token_reused: 'activity.refresh_token_reused',

  email_sent: 'activity.email_sent',
  email_rejected: 'activity.email_rejected',
  email_expired: 'activity.email_expired',
  email_retried: 'activity.email_retried',

  users_exported: null,
  events_exported: null,
  key_created: null,
  key_rotated: null,
};

/** Events that the user should review, because someone else may have caused them. */
export const notableEvents: readonly EventName[] = [
  'sign_in_failed',
  'reauthentication_failed',
  'verification_failed',
  'device_trust_revoked',
  'rate_limit_exceeded',
  'sign_up_requested',
  'refresh_token_reused',
];

/** Events without an account that strangers can cause, with an invented username, email or code. Deleted after a day. */
export const anonymousEvents: readonly EventName[] = [
  'sign_in_failed',
  'verification_failed',
  'password_reset_requested',
  'sign_up_requested',
  'rate_limit_exceeded',
];

/**
 * The text that people read for a detail: a text with a `{value}`, the value itself, or one text per value. An empty
 * text hides the detail.
 */
type DetailText = TextKey | '{value}' | Readonly<Record<string, TextKey | ''>>;

/** Every detail of an event, with the text that people read. The admin console shows an unknown detail by its name. */
export const eventDetails = {
  /** The labels are in `core/sessions/methods.ts`. */
  amr: '{value}',
  attempts: 'event.detail.attempts',
  count: 'event.detail.attempts',
  device: 'event.detail.device',
  devices: 'event.detail.devices',
  hash: 'event.detail.hash',
  hashes: { true: 'event.detail.with_hashes', false: 'event.detail.without_hashes' },
  invitation: 'event.detail.invitation',
  key: 'event.detail.key',
  /** The kind of a session. The kind of an email is not listed here; its label is looked up elsewhere. */
  kind: { cookie: 'event.detail.cookie', bearer: 'event.detail.bearer' },
  leaked: { true: 'event.detail.leaked', false: 'event.detail.not_leaked' },
  left: 'event.detail.left',
  reset: 'event.detail.reset',
  limit: '{value}',
  email: 'event.detail.email',
  emailed: { true: 'event.detail.emailed', false: 'event.detail.not_emailed' },
  mixed_scripts: { true: 'event.detail.mixed_scripts', false: '' },
  /** The text is in `reasons`. */
  reason: '{value}',
  rejected: 'event.detail.rejected',
  reply: 'event.detail.reply',
  retry_after: 'event.detail.retry_after',
  role: { user: 'event.detail.role_user', admin: 'event.detail.role_admin' },
  sessions: 'event.detail.sessions',
  users: 'event.detail.users',
} as const satisfies Record<string, DetailText>;

export type EventDetail = keyof typeof eventDetails;

/** Why something failed, by its event and the detail `reason`. */
export const reasons = {
  sign_in_failed: {
    wrong: 'event.reason.wrong',
    /** The same failure for an identifier without an account. */
    unknown: 'event.reason.unknown',
  },
  reauthentication_failed: { wrong: '' },
  verification_failed: { wrong: 'event.reason.code', no_verification: 'event.reason.no_verification' },
} as const satisfies Partial<Record<EventName, Readonly<Record<string, TextKey | ''>>>>;
