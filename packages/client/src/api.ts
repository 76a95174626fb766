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
    | 'ambiguous_credentials'
    | 'duplicate_header'
    | 'duplicate_cookie'
    | 'unauthenticated'
    | 'invalid_token'
    | 'forbidden'
    | 'cross_site'
    | 'not_found'
    | 'method_not_allowed'
    | 'last_admin'
    | 'user_taken'
    | 'conflict'
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
    answer: { message: 'user created!'; user: User };
  };
  /** Sign in with a password; answers a session cookie, for browsers. */
  'POST /v1/signin': {
    body: { email?: string | undefined; username?: string | undefined; password: string };
    answer: { message: 'login successful!'; user: User };
  };
  /** Sign in with HTTP Basic or JSON; answers a pair of tokens, for programs. */
  'POST /v1/login': {
    body?: { email?: string | undefined; username?: string | undefined; password: string };
    answer: TokenPair;
  };
  /** The next pair of tokens for a refresh token. */
  'POST /v1/refresh': { body: { refresh_token: string }; answer: TokenPair };
  /** End this session. */
  'POST /v1/logout': { answer: { message: 'logout successful!' } };
  /** End all sessions of the user. */
  'POST /v1/logout-everywhere': { answer: { message: 'logout successful!' } };
  /** Mail a code and a link to someone who forgot the password. */
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
  /** The sessions of the user. */
  'GET /v1/me/sessions': { answer: { sessions: Session[]; next_cursor: null } };
  /** End one of the user’s sessions. */
  'DELETE /v1/me/sessions/{id}': { path: { id: string }; answer: { message: 'session ended!' } };
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
      /** Generated, and answered once, if none is given. */
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
}
