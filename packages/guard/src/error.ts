/**
 * Why a request is rejected: code, status, title and message. ASCII only, because the message is also sent in a header
 * (RFC 6750, 3).
 */
const errors = {
  unauthenticated: [401, 'Authentication required', 'Send an access token: Authorization: Bearer ...'],
  invalid_token: [401, 'Invalid token', 'The token is invalid or has expired. Sign in again.'],
  insufficient_user_authentication: [
    401,
    'Recent sign-in required',
    'This action requires a recent sign-in. Sign in again.',
  ],
  insufficient_scope: [403, 'Access denied', 'You do not have permission to do this.'],
  unavailable: [503, 'Service unavailable', 'The token could not be verified right now. Try again.'],
} as const satisfies Record<string, readonly [status: number, title: string, message: string]>;

export type GuardErrorCode = keyof typeof errors;

/**
 * Why a token is rejected. `code` is stable and meant for programs.
 *
 * @example
 * try {
 *   const { userId, sessionId } = await guard.verify(token);
 *   console.log('good', userId, sessionId);
 * } catch (error) {
 *   if (!(error instanceof GuardError)) throw error;
 *   console.log(error.status, error.code);
 * }
 */
export class GuardError extends Error {
  readonly code: GuardErrorCode;
  readonly status: number;
  /** For a sign-in that is too old: the maximum age, in seconds. */
  readonly maxAge: number | undefined;

  constructor(
    code: GuardErrorCode,
    { message, maxAge, cause }: { message?: string; maxAge?: number; cause?: unknown } = {},
  ) {
    super(message ?? errors[code][2], { cause });
    this.name = 'GuardError';
    this.code = code;
    this.status = errors[code][0];
    this.maxAge = maxAge;
  }
}

/** The response to a rejected request, in any framework. */
export interface ErrorResponse {
  status: number;
  headers: Record<string, string>;
  /** A problem document (RFC 9457), like Usher's own. */
  body: string;
}

/** The response to an error of the guard. @throws Any error that is not a GuardError. */
export function errorResponse(error: unknown): ErrorResponse {
  if (!(error instanceof GuardError)) throw error;
  const { code, status, message } = error;
  return {
    status,
    headers: {
      'content-type': 'application/problem+json; charset=utf-8',
      'cache-control': 'no-store',
      ...(status === 503 ? { 'retry-after': '2' } : { 'www-authenticate': challenge(error) }),
    },
    body: JSON.stringify({ type: 'about:blank', title: errors[code][1], status, code, message }),
  };
}

/** RFC 6750, 3: a request without a token gets no error code. RFC 9470, 3: `max_age` says how old a sign-in may be. */
function challenge({ code, maxAge }: GuardError): string {
  const realm = 'Bearer realm="usher"';
  if (code === 'unauthenticated') return realm;
  const age = maxAge === undefined ? '' : `, max_age="${maxAge}"`;
  return `${realm}, error="${code}", error_description="${errors[code][2]}"${age}`;
}
