import type { AppContext } from '../context.ts';
import { type ErrorCode, HttpError, StepRequired } from '../errors.ts';
import { isUnavailable } from '../platform/db/index.ts';
import type { FormToken } from './form-token.ts';
import type { Route, RouteResponse } from './route.ts';

/** What is logged about a request. */
export interface RequestLog {
  requestId: string;
  route: Route;
  method: string;
  ip: string;
  userId: string | undefined;
  /** The language tag that the user has chosen. */
  locale: string | null;
  code: ErrorCode | undefined;
  /** The rate limit that rejected it, whatever the caller is told. */
  limit?: string | undefined;
  /** Whether a newer cookie has replaced the rejected one. */
  keepsCookie?: boolean;
  /** The cookie to send with the response, unless the response sets its own. */
  cookie: RouteResponse['cookie'];
  formToken: FormToken | undefined;
  /** The Origin header of a request from a page whose origin is not allowed. */
  rejectedOrigin: string | undefined;
}

/**
 * Converts whatever a request threw to an error for the caller: an expected error, an unavailable database, or a bug.
 */
export function rejectRequest(context: AppContext, error: unknown, requestLog: RequestLog): HttpError {
  const httpError = toHttpError(error);
  requestLog.code = httpError.code;
  requestLog.limit = httpError.limit;
  requestLog.keepsCookie = httpError.keepsCookie;
  if (httpError.status >= 500) logFailure(context, error, requestLog);
  context.metrics.error(httpError.code);
  return httpError;
}

function toHttpError(error: unknown): HttpError {
  if (error instanceof HttpError) return error;
  if (error instanceof StepRequired) return error.error;
  if (isUnavailable(error)) return new HttpError('unavailable', { retryAfter: 2 });
  return new HttpError('internal');
}

/** Logs only the kind, code and stack of an error: messages of a database can contain values of a row. */
function logFailure(context: AppContext, error: unknown, { requestId, route }: RequestLog): void {
  const { name, code, stack } =
    error instanceof Error ? (error as Error & { code?: string }) : { name: typeof error };
  const place = stack?.slice(stack.indexOf('\n    at ') + 1);
  context.log.error(
    { request_id: requestId, route: route.path, error: name, error_code: code, place },
    'request failed',
  );
}

/**
 * What an operator can do about an origin that is not allowed. A frame without an origin (`null`) cannot be allowed.
 */
const hintFor = (origin: string | undefined): string | undefined =>
  !origin?.includes('://')
    ? undefined
    : 'The browser keeps the response from the page. To allow this origin, add it to USHER_ALLOWED_ORIGINS (--allowed-origins).';

/**
 * Logs one line per request. A plain read that succeeded is only counted, and logged at `debug`, unless a browser hides
 * its response from the page that requested it.
 */
export function logRequest(
  context: AppContext,
  requestLog: RequestLog,
  status: number,
  milliseconds: number,
): void {
  const { requestId, route, method, ip, userId, code, limit, rejectedOrigin } = requestLog;
  context.metrics.request(route.path, method, status, milliseconds / 1000);
  const isPlainRead = status < 400 && method === 'GET' && rejectedOrigin === undefined;
  const level = isPlainRead ? 'debug' : 'info';
  if (!context.log.isLevelEnabled(level)) return;
  context.log[level](
    {
      request_id: requestId,
      method,
      route: route.path,
      status,
      ms: Math.round(milliseconds * 10) / 10,
      ip,
      user: userId,
      code,
      limit,
      origin: rejectedOrigin,
      hint: hintFor(rejectedOrigin),
    },
    'request',
  );
}
