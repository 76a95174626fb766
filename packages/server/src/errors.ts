import { type Text, text } from './languages/text.ts';
import { english } from './languages/translator.ts';

/**
 * Every expected error: its stable code, HTTP status and title, and the page that leads a person on. Its default message, for where the code that throws it
 * has nothing more specific, is `errors.CODE` in the catalogs. Any other failure is a bug and responds 500 with
 * `internal`.
 */
export const errors = {
  invalid_credentials: [401, 'Invalid credentials'],
  signup_rejected: [400, 'Sign-up failed'],
  user_exists: [409, 'Already in use'],
  invalid_code: [400, 'Invalid or expired code'],
  signup_disabled: [403, 'Sign-ups are closed'],

  invalid_json: [400, 'Invalid JSON'],
  invalid_request: [400, 'Invalid request'],
  invalid_path: [400, 'Invalid path'],
  multiple_credentials: [400, 'Multiple credentials'],
  duplicate_header: [400, 'Duplicate header'],
  duplicate_cookie: [400, 'Duplicate cookie'],
  password_required: [400, 'Password required'],
  unauthenticated: [401, 'Authentication required', '/sign-in'],
  invalid_token: [401, 'Invalid token', '/sign-in'],
  reauthentication_required: [401, 'Confirm your password'],
  forbidden: [403, 'Access denied'],
  password_change_required: [403, 'Choose a new password', '/dashboard/security'],
  cross_site_request: [403, 'Cross-site request'],
  form_expired: [403, 'Form expired'],
  not_found: [404, 'Not found'],
  method_not_allowed: [405, 'Method not allowed'],
  last_admin: [409, 'Last administrator'],
  identifier_taken: [409, 'Already in use'],
  conflict: [409, 'Conflict'],
  export_in_progress: [409, 'Export in progress'],
  setup_completed: [410, 'Setup already complete'],
  invalid_link: [410, 'Invalid or expired link'],
  content_too_large: [413, 'Request too large'],
  unsupported_media_type: [415, 'Unsupported media type'],
  misdirected: [421, 'Unknown host'],
  too_many_requests: [429, 'Too many requests'],
  internal: [500, 'Internal error'],
  busy: [503, 'Server busy'],
  unavailable: [503, 'Service unavailable'],
  stopping: [503, 'Shutting down'],
} as const satisfies Record<string, Row>;

type Row = readonly [status: number, title: string, page?: `/${string}`];

export type ErrorCode = keyof typeof errors;

/** The page that a person is led to instead of an error page; it leads back afterwards. */
export function pageAfter(code: ErrorCode): string | undefined {
  const [, , page]: Row = errors[code];
  return page;
}

/** What is wrong with one field of a request. `field` is the API's name for it, in the caller's spelling. */
export interface FieldError {
  field: string;
  code: string;
  message: Text;
}

/** The error of a field, with nothing else of the fault: all of it is sent to the caller. */
export const fieldError = (field: string, { code, message }: Omit<FieldError, 'field'>): FieldError => ({
  field,
  code,
  message,
});

/**
 * A sign-in must wait for another step of the user. No caller handles it, so only the exit knows the steps: an API client
 * gets the problem document of `error`, and a person its page. It is not an `HttpError`, which a page shows beside its
 * form.
 */
export class StepRequired extends Error {
  readonly error: HttpError;

  constructor(error: HttpError) {
    super(error.code);
    this.error = error;
  }
}

/** An expected error for the caller; `http/responses` turns it into a problem document (RFC 9457). */
export class HttpError extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  /** What the caller reads, in their language. `message` is the same in English, for logs and the command line. */
  readonly text: Text;
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
      text?: Text;
      fields?: FieldError[];
      retryAfter?: number;
      headers?: Record<string, string>;
      limit?: string;
      keepsCookie?: boolean;
    } = {},
  ) {
    const said = more.text ?? text(`errors.${code}`);
    super(english(said));
    this.text = said;
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
