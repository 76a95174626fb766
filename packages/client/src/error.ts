import type { Problem } from './api.ts';

/** The error codes of Usher, and two of the client: there was no response, or it did not come from Usher. */
export type ErrorCode = Problem['code'] | 'network_error' | 'unexpected_answer';

/**
 * Why a call failed. `code` is stable and machine-readable; `message` is for people.
 *
 * @example
 * const { data, error } = await usher.signUp({ ...names, password: 'correct horse battery staple' });
 * if (error) {
 *   console.log(error.code, error.message);
 *   for (const { field, message } of error.fields) console.log(field, message);
 * }
 */
export class UsherError extends Error {
  readonly code: ErrorCode;
  /** The HTTP status; 0 if there was no response. */
  readonly status: number;
  /** Errors by field. */
  readonly fields: NonNullable<Problem['errors']>;
  /** Seconds to wait before the next attempt, if the server says so. */
  readonly retryAfter: number | undefined;
  /** The request ID in the server's log. */
  readonly requestId: string | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    more: {
      problem?: Problem | undefined;
      status?: number;
      retryAfter?: number | undefined;
      cause?: unknown;
    } = {},
  ) {
    super(message, { cause: more.cause });
    this.name = 'UsherError';
    this.code = code;
    this.status = more.status ?? 0;
    this.fields = more.problem?.errors ?? [];
    this.retryAfter = more.retryAfter;
    this.requestId = more.problem?.request_id;
  }
}

/**
 * The result of a call: data or an error, never both.
 *
 * @example
 * const { data } = await usher.me.get();
 * return data?.user ?? null;
 */
export type Result<T> = { data: T; error: null } | { data: null; error: UsherError };

export const good = <T>(data: T): Result<T> => ({ data, error: null });
export const failed = (error: UsherError): { data: null; error: UsherError } => ({ data: null, error });
