// Written by `npm run reference` from packages/server/src/routes.ts. Change that table.

export interface User {
  id: string;
  username: string;
  email: string;
  email_verified: boolean;
  role: 'user' | 'admin';
  disabled: boolean;
  /** RFC 3339, in UTC. */
  created_at: string;
  /** Whether the user must choose a new password before anything else. */
  password_change_required: boolean;
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
  /** RFC 3339, in UTC. */
  created_at: string;
  /** RFC 3339, in UTC, accurate to a minute. */
  last_seen_at: string;
  ip: string;
  user_agent: string;
  current: boolean;
}

export interface Event {
  id: string;
  name: string;
  /** RFC 3339, in UTC. */
  at: string;
  session_id: string | null;
  ip: string | null;
  user_agent: string | null;
}

export interface Device {
  id: string;
  /** `cookie` for a browser, `bearer` for a program. */
  kind: 'cookie' | 'bearer';
  /** RFC 3339, in UTC. */
  created_at: string;
  /** The last sign-in, RFC 3339, in UTC. */
  last_used_at: string;
  ip: string;
  user_agent: string;
  /** Whether it is the browser that asks. */
  current: boolean;
}

export interface Limit {
  limit:
    | 'passwordByName'
    | 'password'
    | 'passwordsInAll'
    | 'device'
    | 'devicesInAll'
    | 'codes'
    | 'codesInAll'
    | 'shortCodes'
    | 'shortCodesInAll'
    | 'allCodes'
    | 'codesFrom'
    | 'recoveryToFrom'
    | 'recoveryTo'
    | 'recoveryKnown'
    | 'mailsTo'
    | 'mailsFrom'
    | 'emailChanges'
    | 'noticesTo'
    | 'signInNoticesTo'
    | 'names'
    | 'passwordsFrom'
    | 'signup'
    | 'secrets'
    | 'profileChanges'
    | 'sessionChanges'
    | 'passwordChanges'
    | 'emailRequests'
    | 'adminChanges'
    | 'keyRotations';
  /** What it counts. */
  why: string;
  /** The address range or the name, for a limit of one. */
  from: string | null;
  /** What it has counted. */
  count: number;
  /** What it lets pass without a wait. */
  most: number;
  /** What it has refused since it let something pass. */
  refused: number;
  /** Whether it refuses the next attempt. */
  reached: boolean;
  /** When it lets one pass again; null when it does now, or not by time. */
  until: string | null;
}

export interface RecordedEvent {
  id: string;
  name: string;
  /** RFC 3339, in UTC. */
  at: string;
  session_id: string | null;
  ip: string | null;
  user_agent: string | null;
  /** Whom it is about. */
  user_id: string | null;
  /** Who did it; `operator` for the command line. */
  actor_id: string | null;
  request_id: string | null;
  details: Record<string, string | number | boolean>;
}

export interface Stats {
  span: 'day' | 'week' | 'month';
  now: { users: number; sessions: number; mails_waiting: number; hashes_waiting: number };
  steps: {
    /** When the step begins; a step of a day is an hour, others are a day. */ at: string;
    sign_ups: number;
    sign_ins: number;
    sign_ins_refused: number;
    limits_reached: number;
    mails_sent: number;
    mails_failed: number;
    /** The most that was seen at once. */
    sessions: number;
    /** The most that was seen at once. */
    hashes_waiting: number;
  }[];
}

export interface Problem {
  type: 'about:blank';
  /** The kind of refusal, in a few words. */
  title: string;
  /** The HTTP status again. */
  status: number;
  /** Stable: what a program should look at. */
  code:
    | 'invalid_credentials'
    | 'signup_refused'
    | 'signup_taken'
    | 'code_invalid'
    | 'signup_closed'
    | 'invalid_json'
    | 'invalid_request'
    | 'invalid_path'
    | 'ambiguous_credentials'
    | 'duplicate_header'
    | 'duplicate_cookie'
    | 'password_needed'
    | 'unauthenticated'
    | 'invalid_token'
    | 'fresh_sign_in_required'
    | 'forbidden'
    | 'password_change_required'
    | 'cross_site'
    | 'form_expired'
    | 'not_found'
    | 'method_not_allowed'
    | 'last_admin'
    | 'user_taken'
    | 'conflict'
    | 'export_running'
    | 'setup_done'
    | 'link_invalid'
    | 'payload_too_large'
    | 'unsupported_media_type'
    | 'misdirected'
    | 'too_many_requests'
    | 'internal'
    | 'busy'
    | 'unavailable'
    | 'stopping';
  /** A sentence for people; it may become more exact. */
  message: string;
  /** Names the request in the log. */
  request_id: string;
  /** What is wrong with which field. */
  errors?:
    | {
        /** Its name as the API writes it; empty for the whole body. */ field: string;
        code: string;
        message: string;
      }[]
    | undefined;
}

/** Every call of the API, by method and path. */
export interface Calls {
  /** Make an account and sign in to it. */
  'POST /v1/signup': {
    body: { username: string; email: string; password: string };
    answer:
      | { message: 'user created!'; user: User }
      | { message: 'A mail is on its way to this address. Answer it to finish the sign-up.' };
  };
  /** What a new password would be told, before it is set; nothing is kept. */
  'POST /v1/check-password': {
    body: { password: string; username?: string | undefined; email?: string | undefined };
    answer: {
      /** `weak` would be refused. */ strength: 'weak' | 'fair' | 'strong';
      message: string;
    };
  };
  /** Sign in with a password; answers a session cookie, for browsers. */
  'POST /v1/signin': {
    body: { email?: string | undefined; username?: string | undefined; password: string };
    answer: { message: 'login successful!'; user: User };
  };
  /** Sign in with HTTP Basic or JSON; answers a pair of tokens, for programs. */
  'POST /v1/login': {
    body?: {
      email?: string | undefined;
      username?: string | undefined;
      password?: string | undefined;
      /** Whom the access token is for: a service of `USHER_AUDIENCES`, or the public URL for Usher itself. */
      audience?: string | undefined;
    };
    answer: TokenPair;
  };
  /** The next pair of tokens for a refresh token. */
  'POST /v1/refresh': {
    body: {
      refresh_token: string;
      /** Whom the access token is for: a service of `USHER_AUDIENCES`, or the public URL for Usher itself. */
      audience?: string | undefined;
    };
    answer: TokenPair;
  };
  /** An access token for a service, from the session of a cookie or an access token. */
  'POST /v1/token': {
    body: {
      /** Whom the access token is for: a service of `USHER_AUDIENCES`, or the public URL for Usher itself. */
      audience?: string | undefined;
    };
    answer: {
      access_token: string;
      token_type: 'Bearer';
      /** Seconds. */
      expires_in: number;
    };
  };
  /** End this session. */
  'POST /v1/logout': { answer: { message: 'logout successful!' } };
  /** End all sessions of the user. */
  'POST /v1/logout-everywhere': { answer: { message: 'logout successful!' } };
  /** Mail a code and a link to someone who forgot the password; the link works for an hour. */
  'POST /v1/send-mail': {
    body: { email: string };
    answer: { message: 'If an account has this address, a mail is on its way to it.' };
  };
  /** Set a new password with a mailed code or link; every session ends. */
  'POST /v1/reset-password': {
    body: {
      email?: string | undefined;
      code?: string | undefined;
      token?: string | undefined;
      password?: string | undefined;
    };
    answer: { message: 'password changed!'; password?: string | undefined };
  };
  /** Prove an address with a mailed code or link: finishes a sign-up or a change of address. */
  'POST /v1/verify-email': {
    body: {
      email?: string | undefined;
      code?: string | undefined;
      token?: string | undefined;
      password?: string | undefined;
      username?: string | undefined;
    };
    answer:
      | { message: 'address proven!' | 'address changed!'; user: User }
      | { message: 'user created!'; user: User };
  };
  /** Take a change of address back, and all after it, with the link that the old address got; every session ends. */
  'POST /v1/restore-email': {
    body: { token: string; password?: string | undefined };
    answer: { message: 'address restored!'; password?: string | undefined };
  };
  /** The user, this session, all sessions and recent events. */
  'GET /v1/dashboard': { answer: { user: User; session: Session; sessions: Session[]; events: Event[] } };
  /** The user who calls. */
  'GET /v1/me': { answer: { user: User } };
  /** Change the profile. */
  'PATCH /v1/me': { body: { username: string }; answer: { user: User } };
  /** Delete the account; needs its address and password. */
  'DELETE /v1/me': { body: { email: string; password: string }; answer: { message: 'delete successful!' } };
  /** Change the password; every other session ends. */
  'PUT /v1/me/password': {
    body: { current_password: string; new_password: string };
    answer: {
      message: 'password changed!';
      access_token?: string | undefined;
      token_type?: 'Bearer' | undefined;
      /** Seconds. */
      expires_in?: number | undefined;
      refresh_token?: string | undefined;
    };
  };
  /** Give the password again: for five minutes the session may do what needs a fresh sign-in. */
  'POST /v1/me/confirm': { body: { password: string }; answer: { message: 'password confirmed!' } };
  /** Ask for another address; it counts once it is proven, and the old one can take it back. */
  'POST /v1/me/email': {
    body: { email: string; password: string };
    answer: {
      message: 'A mail is on its way to the new address. The address is changed once it is answered.';
    };
  };
  /** Mail a code and a link once more to prove the address; the link works for an hour. */
  'POST /v1/me/verify-email': { answer: { message: 'A mail is on its way to your address.' } };
  /** The sessions of the user. */
  'GET /v1/me/sessions': { answer: { sessions: Session[]; next_cursor: null } };
  /** End all of the user’s sessions but the one that asks. */
  'DELETE /v1/me/sessions': { answer: { message: 'other sessions ended!'; sessions: number } };
  /** End one of the user’s sessions. */
  'DELETE /v1/me/sessions/{id}': { path: { id: string }; answer: { message: 'session ended!' } };
  /** The browsers and programs that the user signed in from before. */
  'GET /v1/me/devices': { answer: { devices: Device[]; next_cursor: null } };
  /** Remove one of them; its sessions go on. */
  'DELETE /v1/me/devices/{id}': { path: { id: string }; answer: { message: 'device removed!' } };
  /** Everything that is kept about the user, as a file. */
  'GET /v1/me/data': {
    answer: {
      exported_at: string;
      user: {
        id: string;
        username: string;
        email: string;
        email_verified: boolean;
        role: 'user' | 'admin';
        disabled: boolean;
        /** RFC 3339, in UTC. */
        created_at: string;
        /** Whether the user must choose a new password before anything else. */
        password_change_required: boolean;
        password_changed_at: string;
        signed_in_at: string | null;
      };
      sessions: Session[];
      devices: Device[];
      /** The newest 10000. */
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
    answer: { users: User[]; next_cursor: string | null };
  };
  /** Make an account for someone else. */
  'POST /v1/users': {
    body: {
      username: string;
      email: string;
      /** Generated, and answered once, if none is given. The user must change it at the first sign-in. */
      password?: string | undefined;
      role?: 'user' | 'admin' | undefined;
    };
    answer: { message: 'user created!'; user: User; password?: string | undefined };
  };
  /** One user. */
  'GET /v1/users/{id}': { path: { id: string }; answer: { user: User } };
  /** Rename, promote, demote, disable or enable a user. */
  'PATCH /v1/users/{id}': {
    path: { id: string };
    body: {
      username?: string | undefined;
      role?: 'user' | 'admin' | undefined;
      disabled?: boolean | undefined;
    };
    answer: { user: User };
  };
  /** Delete a user and all that belongs to them. */
  'DELETE /v1/users/{id}': { path: { id: string }; answer: { message: 'delete successful!' } };
  /** End all sessions of a user. */
  'POST /v1/users/{id}/logout-everywhere': {
    path: { id: string };
    answer: { message: 'logout successful!' };
  };
  /** Mail a user a code and a link to choose a new password. */
  'POST /v1/users/{id}/send-mail': {
    path: { id: string };
    answer: { message: 'A mail is on its way to the user.' };
  };
  /** The browsers and programs that a user signed in from before. */
  'GET /v1/users/{id}/devices': { path: { id: string }; answer: { devices: Device[]; next_cursor: null } };
  /** Remove them all; sessions go on. */
  'DELETE /v1/users/{id}/devices': {
    path: { id: string };
    answer: { message: 'devices removed!'; devices: number };
  };
  /** Why a user is made to wait, and how long. */
  'GET /v1/users/{id}/limits': { path: { id: string }; answer: { limits: Limit[]; next_cursor: null } };
  /** Let a user try again at once. */
  'DELETE /v1/users/{id}/limits': { path: { id: string }; answer: { message: 'limits lifted!' } };
  /** The audit record, newest first: by user, name, request and time. */
  'GET /v1/events': {
    query?: {
      user?: string | undefined;
      name?:
        | 'installation_created'
        | 'database_restored'
        | 'setup_done'
        | 'user_signed_up'
        | 'sign_up_started'
        | 'user_created'
        | 'user_imported'
        | 'user_changed'
        | 'user_promoted'
        | 'user_demoted'
        | 'user_disabled'
        | 'user_enabled'
        | 'user_deleted'
        | 'signed_in'
        | 'sign_in_refused'
        | 'password_refused'
        | 'password_changed'
        | 'recovery_started'
        | 'code_refused'
        | 'address_proven'
        | 'address_change_started'
        | 'address_changed'
        | 'address_restored'
        | 'password_reset'
        | 'device_distrusted'
        | 'device_removed'
        | 'limit_reached'
        | 'limits_lifted'
        | 'signed_out'
        | 'signed_out_everywhere'
        | 'session_ended'
        | 'other_sessions_ended'
        | 'session_crowded_out'
        | 'session_replaced'
        | 'refresh_retried'
        | 'refresh_reused'
        | 'mail_sent'
        | 'mail_refused'
        | 'mail_expired'
        | 'mail_retried'
        | 'users_exported'
        | 'key_created'
        | 'key_rotated'
        | undefined;
      request?: string | undefined;
      since?: string | undefined;
      until?: string | undefined;
      cursor?: string | undefined;
      limit?: number | undefined;
    };
    answer: { events: RecordedEvent[]; next_cursor: string | null };
  };
  /** The figures of the console: how things are now, and what happened by the hour or day. */
  'GET /v1/stats': { query?: { span?: 'day' | 'week' | 'month' | undefined }; answer: Stats };
  /** For services: whether the session of an access token is active, and the role of its user. */
  'POST /v1/introspect': {
    body: {
      /** An access token for a service. */ token: string;
    };
    answer:
      | {
          active: true;
          /** The user. */
          sub: string;
          /** The session. */
          sid: string;
          /** The role that the user has now. */
          role: 'user' | 'admin';
        }
      | { active: false };
  };
}
