import type { RecordedEvent } from '../../core/events.ts';
import type { EventName } from '../../events.ts';
import { emailAbout, isByOther, limitActivity } from '../../flows/account/activity.ts';

/** The fields of an event that its description depends on. */
type Told = Pick<RecordedEvent, 'name' | 'userId' | 'actorId' | 'details'>;
type Words = string | ((details: Told['details']) => string);

/** Describes each event to the user it happened to. Null for events that concern no account, or a deleted one. */
const words: Record<EventName, Words | null> = {
  installation_created: null,
  database_restored: null,
  setup_completed: 'You set up this server',

  user_signed_up: 'Account created',
  sign_up_requested: 'Someone tried to sign up with your email',
  user_created: 'Account created for you',
  user_imported: 'Your account was imported from another system',
  user_updated: 'Username changed',
  user_promoted: 'You were made an administrator',
  user_demoted: 'Your administrator role was removed',
  user_disabled: 'Account disabled',
  user_enabled: 'Account re-enabled',
  user_deleted: null,

  signed_in: 'Signed in',
  sign_in_failed: 'Failed sign-in attempt',
  reauthentication_failed: 'Incorrect current password entered',
  password_changed: 'Password changed',

  password_reset_requested: 'Password reset requested',
  verification_failed: 'Incorrect or expired code entered',
  email_verified: 'Email verified',
  email_change_requested: 'Email change requested',
  email_changed: 'Email changed',
  email_restored: 'Email change undone',
  password_reset: 'Password reset by email',

  device_trust_revoked: 'Known device removed: 10 incorrect passwords in a row',
  device_removed: 'Known device removed',

  rate_limit_exceeded: ({ limit }) => limitActivity(limit) ?? 'Blocked: too many attempts',
  rate_limits_reset: 'Sign-in limits were reset',

  signed_out: 'Signed out',
  signed_out_everywhere: 'Signed out on all devices',
  session_revoked: 'Signed out a device',
  other_sessions_revoked: 'Signed out all other devices',
  session_evicted: 'Oldest session signed out (session limit reached)',
  session_replaced: 'Session replaced by a new sign-in on the same device',
  refresh_token_retried:
    'An API client used a refresh token twice: a response was lost, or someone copied the token',
  refresh_token_reused: 'A session was signed out because its token may have been stolen',

  email_sent: ({ kind }) => `Email sent${purposeOf(kind)}`,
  email_rejected: ({ kind }) => `Email rejected by the mail server${purposeOf(kind)}`,
  email_expired: ({ kind }) => `Email not delivered${purposeOf(kind)}`,
  email_retried: ({ kind }) => `Email resent${purposeOf(kind)}`,

  users_exported: null,
  key_created: null,
  key_rotated: null,
};

function purposeOf(kind: unknown): string {
  const about = emailAbout(kind);
  return about === undefined ? '' : `: ${about}`;
}

/** Events that the user should review, because someone else may have caused them. */
const notable: ReadonlySet<string> = new Set([
  'sign_in_failed',
  'reauthentication_failed',
  'verification_failed',
  'device_trust_revoked',
  'rate_limit_exceeded',
  'sign_up_requested',
  'refresh_token_reused',
] satisfies EventName[]);

export function wordsFor({ name, details }: Told): string {
  const said = words[name as EventName];
  if (typeof said === 'function') return said(details);
  // An event added by a later version has only its name.
  return said ?? name;
}

export const isNotable = (told: Told): boolean => notable.has(told.name) && otherOf(told) === undefined;

/** Who else performed the action; undefined if it was the user, or if the actor is unknown. */
export function otherOf(told: Told): string | undefined {
  if (!isByOther(told)) return undefined;
  return told.actorId === 'operator' ? 'By the system operator' : 'By an administrator';
}
