// Written by `npm run reference` from packages/server/src/routes.ts. Change that table.

export interface User {
  id: string;
  username: string;
  /** What the user wants to be called. It is not unique. */
  display_name: string | null;
  email: string;
  email_verified: boolean;
  role: 'user' | 'admin';
  disabled: boolean;
  /** RFC 3339, UTC. */
  created_at: string;
  /** Whether the user must choose a new password before anything else. */
  password_change_required: boolean;
  /** The language that the user has chosen: a tag of RFC 5646, or null. */
  locale: string | null;
  /** The time zone that the user has chosen: an IANA name such as Europe/Berlin, or null. */
  time_zone: string | null;
}

export interface TokenPair {
  access_token: string;
  token_type: 'Bearer';
  /** Seconds. */
  expires_in: number;
  refresh_token: string;
}

export interface Session {
  id: string;
  kind: 'cookie' | 'bearer';
  /** RFC 3339, UTC. */
  created_at: string;
  /** RFC 3339, UTC, to the minute. */
  last_seen_at: string;
  /** When it ends at the latest if the user chose “Keep me signed in”; otherwise null. */
  kept_until: string | null;
  ip: string;
  user_agent: string;
  /** Its known device; null if the device is no longer known. */
  device_id: string | null;
  /** The name that the user gave to the known device. */
  name: string | null;
  current: boolean;
}

export interface Event {
  id: string;
  name: string;
  /** RFC 3339, UTC. */
  at: string;
  session_id: string | null;
  ip: string | null;
  user_agent: string | null;
}

export interface Device {
  id: string;
  /** `cookie` for a browser, `bearer` for an API client. */
  kind: 'cookie' | 'bearer';
  /** RFC 3339, UTC. */
  created_at: string;
  /** Last sign-in (RFC 3339, UTC). */
  last_used_at: string;
  ip: string;
  user_agent: string;
  /** The name that the user gave to it. */
  name: string | null;
  /** Whether this request came from the device. */
  current: boolean;
}

export interface RateLimit {
  limit:
    | 'passwords_per_identifier'
    | 'passwords_per_account'
    | 'passwords_per_account_total'
    | 'passwords_per_device'
    | 'passwords_per_account_known_devices'
    | 'codes_per_account_daily'
    | 'codes_per_account_total'
    | 'short_codes_per_account_daily'
    | 'short_codes_per_account_total'
    | 'codes_total'
    | 'codes_per_ip_range'
    | 'recovery_emails_per_recipient_and_ip_range'
    | 'recovery_emails_per_recipient'
    | 'recovery_emails_from_known_devices'
    | 'emails_per_recipient'
    | 'emails_per_ip_range'
    | 'email_changes_per_email'
    | 'security_notices_per_account'
    | 'role_notices_per_account'
    | 'new_device_notices_per_account'
    | 'identifiers_per_ip_range'
    | 'passwords_per_ip_range'
    | 'sign_ups_per_ip_range'
    | 'invalid_tokens_per_ip_range'
    | 'profile_changes_per_account'
    | 'session_revocations_per_account'
    | 'device_names_per_account'
    | 'password_changes_per_account'
    | 'verification_emails_per_account'
    | 'admin_changes_per_account'
    | 'invitations_per_account'
    | 'key_rotations_per_account';
  /** Description of the limit. */
  description: string;
  /** IP range or identifier the limit applies to. */
  from: string | null;
  /** Attempts counted. */
  count: number;
  /** Attempts allowed. */
  max: number;
  /** Requests blocked since the last allowed one. */
  rejected: number;
  /** Whether the next attempt will be blocked. */
  exceeded: boolean;
  /** When the block ends; null if not blocked, or if it doesn’t expire. */
  until: string | null;
}

export interface Invitation {
  id: string;
  username: string;
  email: string;
  display_name: string | null;
  locale: string | null;
  role: 'user' | 'admin';
  /** The administrator; null for the CLI. */
  invited_by: string | null;
  /** RFC 3339, UTC. */
  created_at: string;
  /** RFC 3339, UTC. */
  expires_at: string;
}

export interface RecordedEvent {
  id: string;
  name: string;
  /** RFC 3339, UTC. */
  at: string;
  session_id: string | null;
  ip: string | null;
  user_agent: string | null;
  /** User the event is about. */
  user_id: string | null;
  /** User who performed the action; `operator` for the CLI. */
  actor_id: string | null;
  request_id: string | null;
  details: Record<string, string | number | boolean>;
}

export interface Stats {
  span: 'day' | 'week' | 'month';
  now: { users: number; sessions: number; emails_waiting: number; hashes_waiting: number };
  steps: {
    /** Start of the interval (1 hour for `day`, otherwise 1 day). */ at: string;
    sign_ups: number;
    sign_ins: number;
    sign_ins_failed: number;
    rate_limits_exceeded: number;
    emails_sent: number;
    emails_failed: number;
    /** Peak value; null if nothing was sampled. */
    sessions: number | null;
    /** Peak value; null if nothing was sampled. */
    hashes_waiting: number | null;
  }[];
}

export interface Problem {
  type: 'about:blank';
  /** Short summary of the error. */
  title: string;
  /** HTTP status code. */
  status: number;
  /** Stable, machine-readable error code. */
  code:
    | 'invalid_credentials'
    | 'signup_rejected'
    | 'user_exists'
    | 'invalid_code'
    | 'signup_disabled'
    | 'invalid_json'
    | 'invalid_request'
    | 'invalid_path'
    | 'multiple_credentials'
    | 'duplicate_header'
    | 'duplicate_cookie'
    | 'password_required'
    | 'unauthenticated'
    | 'invalid_token'
    | 'reauthentication_required'
    | 'forbidden'
    | 'password_change_required'
    | 'cross_site_request'
    | 'form_expired'
    | 'not_found'
    | 'method_not_allowed'
    | 'last_admin'
    | 'identifier_taken'
    | 'conflict'
    | 'export_in_progress'
    | 'setup_completed'
    | 'invalid_link'
    | 'content_too_large'
    | 'unsupported_media_type'
    | 'misdirected'
    | 'too_many_requests'
    | 'internal'
    | 'busy'
    | 'unavailable'
    | 'stopping';
  /** Human-readable message; may change. */
  message: string;
  /** Request ID for the log. */
  request_id: string;
  /** Errors by field. */
  errors?:
    | {
        /** Field name; empty for the whole body. */ field: string;
        code: string;
        message: string;
      }[]
    | undefined;
}

/** Every call of the API, by method and path. */
export interface Calls {
  /** Sign up. */
  'POST /v1/signup': {
    body: { username: string; email: string; password: string };
    response:
      | { message: 'user created!'; user: User }
      | { message: 'We’ve sent an email to this address. Use the link or code in it to finish signing up.' };
  };
  /** Check password strength. */
  'POST /v1/check-password': {
    body: { password: string; username?: string | undefined; email?: string | undefined };
    response: {
      /** `weak` passwords are rejected. */ strength: 'weak' | 'fair' | 'strong';
      message: string;
    };
  };
  /** Sign in (session cookie). */
  'POST /v1/signin': {
    body: {
      email?: string | undefined;
      username?: string | undefined;
      login?: string | undefined;
      password: string;
      /** Stay signed in for `USHER_KEEP_SIGNED_IN`. Ignored if that is off, and for administrators. */
      keep_signed_in?: boolean | undefined;
    };
    response: { message: 'login successful!'; user: User };
  };
  /** Sign in (access and refresh tokens). */
  'POST /v1/login': {
    body?: {
      email?: string | undefined;
      username?: string | undefined;
      login?: string | undefined;
      password?: string | undefined;
      /** Audience of the access token: a service listed in `USHER_AUDIENCES`, or the public URL for Usher itself. */
      audience?: string | undefined;
    };
    response: TokenPair;
  };
  /** Refresh tokens. */
  'POST /v1/refresh': {
    body: {
      refresh_token: string;
      /** Audience of the access token: a service listed in `USHER_AUDIENCES`, or the public URL for Usher itself. */
      audience?: string | undefined;
    };
    response: TokenPair;
  };
  /** Get an access token for a service. */
  'POST /v1/token': {
    body: {
      /** Audience of the access token: a service listed in `USHER_AUDIENCES`, or the public URL for Usher itself. */
      audience?: string | undefined;
    };
    response: {
      access_token: string;
      token_type: 'Bearer';
      /** Seconds. */
      expires_in: number;
    };
  };
  /** Sign out. */
  'POST /v1/logout': { response: { message: 'logout successful!' } };
  /** Sign out everywhere. */
  'POST /v1/logout-everywhere': { response: { message: 'logout successful!' } };
  /** Request a password reset email. */
  'POST /v1/send-mail': {
    body: { email: string };
    response: { message: 'If there’s an account for this email, we’ve sent it a link and a code.' };
  };
  /** Set a new password with a mailed code or link; every session ends. */
  'POST /v1/reset-password': {
    body: {
      email?: string | undefined;
      code?: string | undefined;
      token?: string | undefined;
      password?: string | undefined;
    };
    response: { message: 'Password changed.'; password?: string | undefined };
  };
  /** Verify an email address. */
  'POST /v1/verify-email': {
    body: {
      email?: string | undefined;
      code?: string | undefined;
      token?: string | undefined;
      password?: string | undefined;
      username?: string | undefined;
    };
    response:
      | { message: 'Email verified.' | 'Email changed.'; user: User }
      | { message: 'user created!'; user: User };
  };
  /** Accept an invitation. */
  'POST /v1/accept-invitation': {
    body: { token: string; password: string; username?: string | undefined };
    response: { message: 'user created!'; user: User };
  };
  /** Undo an email change. */
  'POST /v1/restore-email': {
    body: { token: string; password?: string | undefined };
    response: { message: 'Email restored.'; password?: string | undefined };
  };
  /** Get the account overview. */
  'GET /v1/dashboard': { response: { user: User; session: Session; sessions: Session[]; events: Event[] } };
  /** Get the current user. */
  'GET /v1/me': { response: { user: User } };
  /** Update the current user. */
  'PATCH /v1/me': {
    body: {
      username?: string | undefined;
      display_name?: string | undefined;
      locale?: string | undefined;
      time_zone?: string | undefined;
    };
    response: { user: User };
  };
  /** Delete the current user. */
  'DELETE /v1/me': { body: { email: string; password: string }; response: { message: 'delete successful!' } };
  /** Change password. */
  'PUT /v1/me/password': {
    body: { current_password: string; new_password: string };
    response: {
      message: 'Password changed.';
      access_token?: string | undefined;
      token_type?: 'Bearer' | undefined;
      /** Seconds. */
      expires_in?: number | undefined;
      refresh_token?: string | undefined;
    };
  };
  /** Confirm the password. */
  'POST /v1/me/confirm': { body: { password: string }; response: { message: 'Password confirmed.' } };
  /** Request an email change. */
  'POST /v1/me/email': {
    body: { email: string; password: string };
    response: { message: 'We’ve emailed the new address. Confirm it to finish the change.' };
  };
  /** Resend the verification email. */
  'POST /v1/me/verify-email': { response: { message: 'Verification email sent. Check your inbox.' } };
  /** List sessions. */
  'GET /v1/me/sessions': { response: { sessions: Session[]; next_cursor: null } };
  /** Revoke all other sessions. */
  'DELETE /v1/me/sessions': { response: { message: 'Other sessions revoked.'; sessions: number } };
  /** Name the device of a session. */
  'PATCH /v1/me/sessions/{id}': {
    path: { id: string };
    body: {
      /** At most 64 characters; empty to remove the name. */ name: string;
    };
    response: { session: Session };
  };
  /** Revoke a session. */
  'DELETE /v1/me/sessions/{id}': { path: { id: string }; response: { message: 'Session revoked.' } };
  /** List known devices. */
  'GET /v1/me/devices': { response: { devices: Device[]; next_cursor: null } };
  /** Name a known device. */
  'PATCH /v1/me/devices/{id}': {
    path: { id: string };
    body: {
      /** At most 64 characters; empty to remove the name. */ name: string;
    };
    response: { device: Device };
  };
  /** Remove a known device. */
  'DELETE /v1/me/devices/{id}': { path: { id: string }; response: { message: 'Device removed.' } };
  /** Export the current user’s data. */
  'GET /v1/me/data': {
    response: {
      exported_at: string;
      user: {
        id: string;
        username: string;
        /** What the user wants to be called. It is not unique. */
        display_name: string | null;
        email: string;
        email_verified: boolean;
        role: 'user' | 'admin';
        disabled: boolean;
        /** RFC 3339, UTC. */
        created_at: string;
        /** Whether the user must choose a new password before anything else. */
        password_change_required: boolean;
        /** The language that the user has chosen: a tag of RFC 5646, or null. */
        locale: string | null;
        /** The time zone that the user has chosen: an IANA name such as Europe/Berlin, or null. */
        time_zone: string | null;
        /** RFC 3339, UTC. */
        password_changed_at: string;
        last_sign_in_at: string | null;
      };
      sessions: Session[];
      devices: Device[];
      /** The latest 10000 events. */
      events: Event[];
    };
  };
  /** List and search users. */
  'GET /v1/users': {
    query?: {
      search?: string | undefined;
      role?: 'user' | 'admin' | undefined;
      disabled?: 'true' | 'false' | undefined;
      cursor?: string | undefined;
      limit?: number | undefined;
    };
    response: { users: User[]; next_cursor: string | null };
  };
  /** Create a user. */
  'POST /v1/users': {
    body: {
      username: string;
      email: string;
      /** Generated and returned once if omitted. The user must change it at the first sign-in. */
      password?: string | undefined;
      display_name?: string | undefined;
      /** The language of the account: a tag of RFC 5646. */
      locale?: string | undefined;
      role?: 'user' | 'admin' | undefined;
    };
    response: { message: 'user created!'; user: User; password?: string | undefined };
  };
  /** Get a user. */
  'GET /v1/users/{id}': { path: { id: string }; response: { user: User } };
  /** Update a user. */
  'PATCH /v1/users/{id}': {
    path: { id: string };
    body: {
      username?: string | undefined;
      display_name?: string | undefined;
      locale?: string | undefined;
      time_zone?: string | undefined;
      role?: 'user' | 'admin' | undefined;
      disabled?: boolean | undefined;
    };
    response: { user: User };
  };
  /** Delete a user. */
  'DELETE /v1/users/{id}': { path: { id: string }; response: { message: 'delete successful!' } };
  /** Send a password reset email. */
  'POST /v1/users/{id}/send-mail': {
    path: { id: string };
    response: { message: 'Password reset email sent.' };
  };
  /** List a user’s known devices. */
  'GET /v1/users/{id}/devices': { path: { id: string }; response: { devices: Device[]; next_cursor: null } };
  /** Remove a user’s known devices. */
  'DELETE /v1/users/{id}/devices': {
    path: { id: string };
    response: { message: 'Devices removed.'; devices: number };
  };
  /** Get a user’s rate limits. */
  'GET /v1/users/{id}/limits': { path: { id: string }; response: { limits: RateLimit[]; next_cursor: null } };
  /** Reset a user’s rate limits. */
  'DELETE /v1/users/{id}/limits': { path: { id: string }; response: { message: 'Rate limits reset.' } };
  /** Sign a user out everywhere. */
  'POST /v1/users/{id}/logout-everywhere': {
    path: { id: string };
    response: { message: 'logout successful!' };
  };
  /** List open invitations. */
  'GET /v1/invitations': {
    query?: { cursor?: string | undefined; limit?: number | undefined };
    response: { invitations: Invitation[]; next_cursor: string | null };
  };
  /** Invite a user by email. */
  'POST /v1/invitations': {
    body: {
      username: string;
      email: string;
      display_name?: string | undefined;
      /** The language of the email and of the account: a tag of RFC 5646. */
      locale?: string | undefined;
      role?: 'user' | 'admin' | undefined;
    };
    response: { message: 'Invitation sent.'; invitation: Invitation };
  };
  /** Send an invitation again. */
  'POST /v1/invitations/{id}/resend': {
    path: { id: string };
    response: { message: 'Invitation sent.'; invitation: Invitation };
  };
  /** Revoke an invitation. */
  'DELETE /v1/invitations/{id}': { path: { id: string }; response: { message: 'Invitation revoked.' } };
  /** List audit events. */
  'GET /v1/events': {
    query?: {
      user?: string | undefined;
      name?:
        | 'installation_created'
        | 'database_restored'
        | 'setup_completed'
        | 'user_signed_up'
        | 'sign_up_requested'
        | 'user_created'
        | 'user_invited'
        | 'invitation_revoked'
        | 'invitation_accepted'
        | 'user_imported'
        | 'user_updated'
        | 'user_promoted'
        | 'user_demoted'
        | 'user_disabled'
        | 'user_enabled'
        | 'user_deleted'
        | 'signed_in'
        | 'sign_in_failed'
        | 'reauthentication_failed'
        | 'password_changed'
        | 'password_reset_requested'
        | 'verification_failed'
        | 'email_verified'
        | 'email_change_requested'
        | 'email_changed'
        | 'email_restored'
        | 'password_reset'
        | 'device_trust_revoked'
        | 'device_removed'
        | 'rate_limit_exceeded'
        | 'rate_limits_reset'
        | 'signed_out'
        | 'signed_out_everywhere'
        | 'session_revoked'
        | 'other_sessions_revoked'
        | 'session_evicted'
        | 'session_replaced'
        | 'refresh_token_retried'
        | 'refresh_token_reused'
        | 'email_sent'
        | 'email_rejected'
        | 'email_expired'
        | 'email_retried'
        | 'users_exported'
        | 'events_exported'
        | 'key_created'
        | 'key_rotated'
        | undefined;
      request?: string | undefined;
      since?: string | undefined;
      until?: string | undefined;
      cursor?: string | undefined;
      limit?: number | undefined;
    };
    response: { events: RecordedEvent[]; next_cursor: string | null };
  };
  /** Get statistics. */
  'GET /v1/stats': { query?: { span?: 'day' | 'week' | 'month' | undefined }; response: Stats };
  /** Introspect an access token. */
  'POST /v1/introspect': {
    body: {
      /** An access token for a service. */ token: string;
    };
    response:
      | {
          active: true;
          /** User ID. */
          sub: string;
          /** Session ID. */
          sid: string;
          /** Current role of the user. */
          role: 'user' | 'admin';
        }
      | { active: false };
  };
}
