/**
 * Every expected error: its stable code, HTTP status, title, and default message, for where the code that throws it has
 * nothing more specific. Any other failure is a bug and responds 500 with `internal`.
 */
export const errors = {
  // The two sentences of the contract (sign-up, sign-in): do not change them.
  invalid_credentials: [401, 'Invalid credentials', 'invalid credentials!'],
  signup_rejected: [400, 'Sign-up failed', 'invalid credentials!'],
  user_exists: [409, 'Already in use', 'invalid credentials!'],
  invalid_code: [
    400,
    'Invalid or expired code',
    'This code is incorrect or has expired. Check it, use the link in the email, or request a new one.',
  ],
  signup_disabled: [
    403,
    'Sign-ups are closed',
    'New sign-ups are disabled. Ask an administrator for an account.',
  ],

  invalid_json: [400, 'Invalid JSON', 'The request body isn’t valid JSON.'],
  invalid_request: [400, 'Invalid request', 'One or more fields are invalid. See `errors`.'],
  invalid_path: [
    400,
    'Invalid path',
    'The path contains a "." or ".." segment, or an encoded slash or backslash. Remove it.',
  ],
  multiple_credentials: [
    400,
    'Multiple credentials',
    'Send either the session cookie or the Authorization header, not both.',
  ],
  duplicate_header: [400, 'Duplicate header', 'A header was sent more than once. Send it once.'],
  duplicate_cookie: [
    400,
    'Duplicate cookie',
    'The session cookie was sent more than once and has been cleared. Sign in again.',
  ],
  password_required: [
    400,
    'Password required',
    'You started signing up in a different browser. Choose a password to continue; it replaces the one you chose there.',
  ],
  unauthenticated: [401, 'Authentication required', 'You need to sign in to continue.'],
  invalid_token: [401, 'Invalid token', 'The token is invalid or has expired. Sign in again.'],
  reauthentication_required: [
    401,
    'Confirm your password',
    'This action requires a password entered within the last five minutes. Confirm your password with POST /v1/me/confirm or sign in again, then retry.',
  ],
  forbidden: [403, 'Access denied', 'You don’t have permission to do this.'],
  password_change_required: [
    403,
    'Choose a new password',
    'Choose a new password before you continue. Your current one was generated or set by someone else.',
  ],
  cross_site_request: [
    403,
    'Cross-site request',
    'Cross-site request blocked: the request’s origin couldn’t be verified. To allow another site, add its origin to USHER_ALLOWED_ORIGINS.',
  ],
  form_expired: [403, 'Form expired', 'This form has expired. Reload the page and try again.'],
  not_found: [404, 'Not found', 'Resource not found.'],
  method_not_allowed: [
    405,
    'Method not allowed',
    'This endpoint doesn’t support that method. The Allow header lists the methods it supports.',
  ],
  last_admin: [
    409,
    'Last administrator',
    'This is the only active administrator. Make another user an administrator first.',
  ],
  identifier_taken: [409, 'Already in use', 'This username or email is already in use.'],
  conflict: [409, 'Conflict', 'This was changed by someone else. Reload and try again.'],
  export_in_progress: [
    409,
    'Export in progress',
    'Your previous export is still running. Wait until it finishes, then try again.',
  ],
  setup_completed: [
    410,
    'Setup already complete',
    'The first administrator has already been created. Sign in instead.',
  ],
  invalid_link: [410, 'Invalid or expired link', 'This link is invalid or has expired.'],
  content_too_large: [413, 'Request too large', 'The request body exceeds 16 KB.'],
  unsupported_media_type: [
    415,
    'Unsupported media type',
    'Set Content-Type to application/json and use UTF-8.',
  ],
  misdirected: [421, 'Unknown host', 'This server isn’t configured for that hostname.'],
  too_many_requests: [429, 'Too many requests', 'Too many attempts. Wait a few minutes and try again.'],
  internal: [
    500,
    'Internal error',
    'Something went wrong on our end. Try again; if it continues, contact support with the request ID.',
  ],
  busy: [503, 'Server busy', 'The server is busy. Try again in a few seconds.'],
  unavailable: [
    503,
    'Service unavailable',
    'The service is temporarily unavailable. Nothing was changed. Try again shortly.',
  ],
  stopping: [503, 'Shutting down', 'The server is shutting down. Try again in a moment.'],
} as const satisfies Record<string, readonly [status: number, title: string, message: string]>;

export type ErrorCode = keyof typeof errors;

/** What is wrong with one field of a request. `field` is the API's name for it, in the caller's spelling. */
export interface FieldError {
  field: string;
  code: string;
  message: string;
}

/** The error of a field, with nothing else of the fault: all of it is sent to the caller. */
export const fieldError = (field: string, { code, message }: Omit<FieldError, 'field'>): FieldError => ({
  field,
  code,
  message,
});

/** An expected error for the caller; `http/responses` turns it into a problem document (RFC 9457). */
export class HttpError extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  readonly fields: FieldError[] | undefined;
  /** Seconds, for `Retry-After`. */
  readonly retryAfter: number | undefined;
  /** Headers that belong to this error, such as `Allow` (names in lower case). */
  readonly headers: Record<string, string> | undefined;
  /** The rate limit that it came from: for the log, never for the caller. */
  readonly limit: string | undefined;
  /** Whether the browser may already have a newer cookie, which it must not be told to delete. */
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
    this.name = 'HttpError';
    this.code = code;
    this.status = errors[code][0];
    this.fields = more.fields;
    this.retryAfter = more.retryAfter;
    this.headers = more.headers;
    this.limit = more.limit;
    this.keepsCookie = more.keepsCookie ?? false;
  }
}
