/**
 * Every failure that Usher expects, once: its stable code, HTTP status, title, and the sentence a caller gets
 * when the place that refuses has nothing more exact to say. What is not in this table is a bug and answers
 * 500 with `internal`.
 */
export const errors = {
  // The two sentences of the contract (sign-up, sign-in): to the letter.
  invalid_credentials: [401, 'Invalid credentials', 'invalid credentials!'],
  signup_refused: [400, 'Sign-up refused', 'invalid credentials!'],
  signup_taken: [409, 'Already taken', 'invalid credentials!'],
  code_invalid: [
    400,
    'Code not valid',
    'This code is not right, or not any more. Check it, use the link in the mail, or ask for a new mail.',
  ],
  signup_closed: [403, 'Sign-up is closed', 'Sign-up is closed here. Ask an administrator for an account.'],

  invalid_json: [400, 'Invalid JSON', 'The body is not valid JSON.'],
  invalid_request: [400, 'Invalid request', 'The request has a part that cannot be accepted; see `errors`.'],
  invalid_path: [
    400,
    'Invalid path',
    'The path has a segment "." or "..", or an encoded slash or backslash. Send it without them.',
  ],
  ambiguous_credentials: [
    400,
    'Two credentials',
    'Send one credential: the cookie or the Authorization header, not both.',
  ],
  duplicate_header: [400, 'Duplicate header', 'A header that may come once came twice.'],
  duplicate_cookie: [
    400,
    'Duplicate cookie',
    'The session cookie came twice. It was cleared; sign in again.',
  ],
  password_needed: [
    400,
    'Choose a password',
    'This is another browser than the one that signed up. Choose a password: it replaces the one that was given there.',
  ],
  unauthenticated: [401, 'Not signed in', 'Sign in first: this needs a valid session.'],
  invalid_token: [401, 'Invalid token', 'This token is not valid here, or not any more. Sign in again.'],
  fresh_sign_in_required: [
    401,
    'Confirm your password',
    'This needs a password that was given in the last five minutes. Confirm it with POST /v1/me/confirm or sign in again, then retry.',
  ],
  forbidden: [403, 'Not allowed', 'Your account may not do this.'],
  password_change_required: [
    403,
    'Choose a new password',
    'Choose a new password first: the one of this account was generated, or set by somebody else.',
  ],
  cross_site: [
    403,
    'Cross-site request',
    'This request came from another site, or cannot show that it did not.',
  ],
  form_expired: [
    403,
    'Form out of date',
    'This form is too old, or was made for another session. Open its page again, then send it.',
  ],
  not_found: [404, 'Not found', 'There is nothing here.'],
  method_not_allowed: [405, 'Method not allowed', 'This address does not answer that method.'],
  last_admin: [409, 'Last administrator', 'This is the only enabled administrator. Make another one first.'],
  user_taken: [409, 'Already taken', 'Another account has this username or e-mail address.'],
  conflict: [409, 'Changed meanwhile', 'Someone changed this at the same moment. Read it again, then retry.'],
  export_running: [
    409,
    'Export is running',
    'An export of yours is running already. Wait until it is finished, then try again.',
  ],
  setup_done: [410, 'Set-up is done', 'This installation already has its first administrator.'],
  link_invalid: [410, 'Link not valid', 'This link is not valid, or not any more.'],
  payload_too_large: [413, 'Body too large', 'The body is larger than 16 kB.'],
  unsupported_media_type: [415, 'Unsupported media type', 'Send the body as application/json in UTF-8.'],
  misdirected: [421, 'Wrong host', 'This server does not answer for that host name.'],
  too_many_requests: [
    429,
    'Too many requests',
    'Too many attempts from your network. Wait a little, then try again.',
  ],
  internal: [500, 'Internal error', 'Something went wrong on our side. The request id helps to find it.'],
  busy: [503, 'Busy', 'Too many sign-ins at this moment. Try again in a few seconds.'],
  unavailable: [503, 'Unavailable', 'The database cannot be reached at the moment. Nothing was changed.'],
  stopping: [503, 'Stopping', 'This server is stopping. Try again.'],
} as const satisfies Record<string, readonly [status: number, title: string, message: string]>;

export type ErrorCode = keyof typeof errors;

/** What is wrong with one field of a request. `field` is its name as the caller wrote the API's name. */
export interface FieldError {
  field: string;
  code: string;
  message: string;
}

/** An expected failure on its way to the caller; `edge/replies` makes a problem document of it (RFC 9457). */
export class Refusal extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  readonly fields: FieldError[] | undefined;
  /** Seconds, for `Retry-After`. */
  readonly retryAfter: number | undefined;
  /** Headers that belong to this refusal, such as `Allow` (names in lower case). */
  readonly headers: Record<string, string> | undefined;
  /** The limit that it came from: for the log, never for the caller. */
  readonly limit: string | undefined;
  /** Whether the browser may have a newer cookie than the one that came, which it must not be told to forget. */
  readonly keepsCookie: boolean;

  constructor(
    code: ErrorCode,
    more: {
      message?: string;
      fields?: FieldError[];
      retryAfter?: number;
      headers?: Record<string, string>;
      limit?: string;
      keepsCookie?: boolean;
    } = {},
  ) {
    super(more.message ?? errors[code][2]);
    this.name = 'Refusal';
    this.code = code;
    this.status = errors[code][0];
    this.fields = more.fields;
    this.retryAfter = more.retryAfter;
    this.headers = more.headers;
    this.limit = more.limit;
    this.keepsCookie = more.keepsCookie ?? false;
  }
}
