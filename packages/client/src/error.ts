import type { Problem } from './api.ts';

/** The codes of Usher's refusals, and two of the client's own: nobody answered, or somebody else did. */
export type ErrorCode = Problem['code'] | 'network_error' | 'unexpected_answer';

/**
 * Why a call failed. `code` is stable and meant for programs, `message` is a sentence for people.
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
  /** The HTTP status; 0 when there was no answer. */
  readonly status: number;
  /** What is wrong with which field. */
  readonly fields: NonNullable<Problem['errors']>;
  /** After how many seconds it makes sense to try again, where the server says so. */
  readonly retryAfter: number | undefined;
  /** Names the request in the server's log. */
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
 * What a call gives: data or an error, never both.
 *
 * @example
 * const { data } = await usher.me.get();
 * return data?.user ?? null;
 */
export type Result<T> = { data: T; error: null } | { data: null; error: UsherError };

export const good = <T>(data: T): Result<T> => ({ data, error: null });
export const failed = (error: UsherError): { data: null; error: UsherError } => ({ data: null, error });
