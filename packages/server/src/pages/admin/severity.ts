import type { EventName } from '../../events.ts';

/** How much an event deserves the attention of an administrator. */
type Severity = 'info' | 'warn' | 'bad';

/** The events that are more than information. */
const severe: Partial<Record<EventName, Severity>> = {
  database_restored: 'bad',
  refresh_token_reused: 'bad',
  email_rejected: 'bad',
  email_expired: 'bad',
  user_deleted: 'bad',
  user_disabled: 'warn',
  user_promoted: 'warn',
  users_exported: 'warn',
  events_exported: 'warn',
  sign_in_failed: 'warn',
  reauthentication_failed: 'warn',
  verification_failed: 'warn',
  device_trust_revoked: 'warn',
  rate_limit_exceeded: 'warn',
  refresh_token_retried: 'warn',
};

/** An event that a later version recorded is information. */
export const severityOf = (name: string): Severity => severe[name as EventName] ?? 'info';
