import type { Generated } from 'kysely';
import type { UserColumns } from '../../user-fields.ts';

/**
 * The tables as TypeScript types, column for column as in `migrations/`. Times are integers, in milliseconds since
 * 1970, UTC.
 */
export interface Tables {
  installation: InstallationTable;
  users: UsersTable;
  user_search: UserSearchTable;
  sessions: SessionsTable;
  devices: DevicesTable;
  verifications: VerificationsTable;
  emails: EmailsTable;
  rate_limits: RateLimitsTable;
  rate_limit_members: RateLimitMembersTable;
  keys: KeysTable;
  events: EventsTable;
  samples: SamplesTable;
}

export interface InstallationTable {
  id: number;
  installation_id: string;
  secret_check: string;
  created_at: number;
  setup_completed_at: number | null;
  admins_revision: number;
  keys_revision: number;
  slowest_hash: string | null;
  state_revision: number;
}

/** A user's columns, including those that are never shown. */
export interface UsersTable extends UserColumns {
  username_key: string;
  email_key: string;
  display_name_key: string | null;
  email_version: Generated<number>;
  device_epoch: number;
}

/** Written by triggers. SQLite has a column of its own beside these. */
export interface UserSearchTable {
  user_id: string;
  text: string;
}

export interface SessionsTable {
  id: string;
  user_id: string;
  kind: 'cookie' | 'bearer';
  amr: string;
  created_at: number;
  authenticated_at: number;
  last_seen_at: number;
  revoked_at: number | null;
  revoked_reason: string | null;
  ip: string;
  user_agent: string;
  audience: string | null;
  refresh_number: number;
  refreshed_at: number;
  refresh_retries: string;
  device_id: string | null;
  kept_until: number | null;
}

export interface DevicesTable {
  id: string;
  user_id: string;
  kind: 'cookie' | 'bearer';
  epoch: number;
  created_at: number;
  last_used_at: number;
  ip: string;
  user_agent: string;
  name: string | null;
}

export interface VerificationsTable {
  id: string;
  /** One of `core/verifications/purposes`. */
  purpose: string;
  user_id: string | null;
  email_mac: string;
  code_mac: string;
  link_hash: string;
  checks: number;
  pending_change_encrypted: string | null;
  email_version: number | null;
  created_at: number;
  expires_at: number;
  ended_at: number | null;
}

export interface EmailsTable {
  id: string;
  kind: string;
  user_id: string | null;
  /** 0 for a decoy. */
  recipients: Generated<number>;
  content_encrypted: string | null;
  created_at: number;
  expires_at: number;
  due_at: number | null;
  attempts: number;
  attempts_before_retry: number;
  ended_at: number | null;
  status: 'sent' | 'rejected' | 'expired' | 'stored' | 'decoy' | null;
  smtp_reply: string | null;
  smtp_reply_text_encrypted: string | null;
}

export interface RateLimitsTable {
  key: string;
  count: number;
  blocked_until: number;
  expires_at: number;
  rejected: number;
}

export interface RateLimitMembersTable {
  key: string;
  member: string;
  expires_at: number;
}

export interface KeysTable {
  id: string;
  algorithm: string;
  public_jwk: string;
  private_jwk_encrypted: string;
  created_at: number;
  signs_from: number;
  published_until: number | null;
}

export interface EventsTable {
  id: string;
  at: number;
  name: string;
  user_id: string | null;
  actor_id: string | null;
  session_id: string | null;
  request_id: string | null;
  ip: string | null;
  user_agent: string | null;
  details: string;
}

export interface SamplesTable {
  at: number;
  name: 'sessions' | 'hashes_waiting' | 'sign_in_failed' | 'rate_limit_exceeded';
  value: number;
}
