import type { World } from '../context.ts';
import { type ErrorCode, Refusal } from '../errors.ts';
import { isUnavailable } from '../platform/db/index.ts';
import type { FormToken } from './form-token.ts';
import type { Answer, Route } from './route.ts';

/** What is told of a request when it is over. */
export interface Outcome {
  requestId: string;
  route: Route;
  method: string;
  ip: string;
  userId: string | undefined;
  code: ErrorCode | undefined;
  /** The limit that refused it, whatever the caller is told. */
  limit?: string | undefined;
  /** Whether a cookie that was refused is one that a newer one has replaced. */
  keepsCookie?: boolean;
  /** The cookie that goes with the answer, unless the answer has one of its own. */
  cookie: Answer['cookie'];
  formToken: FormToken | undefined;
  /** The Origin header of a request that a page of an origin that is not allowed makes a browser send. */
  rejectedOrigin: string | undefined;
}

/** What whatever a request threw means to its caller: an expected refusal, a database that is away, or a bug of ours. */
export function refuse(world: World, error: unknown, outcome: Outcome): Refusal {
  const refusal = toRefusal(error);
  outcome.code = refusal.code;
  outcome.limit = refusal.limit;
  outcome.keepsCookie = refusal.keepsCookie;
  if (refusal.status >= 500) logFailure(world, error, outcome);
  world.metrics.refusal(refusal.code);
  return refusal;
}

function toRefusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (isUnavailable(error)) return new Refusal('unavailable', { retryAfter: 2 });
  return new Refusal('internal');
}

/** Of an error only its kind, code and place: messages of a database can hold values of a row. */
function logFailure(world: World, error: unknown, { requestId, route }: Outcome): void {
  const { name, code, stack } =
    error instanceof Error ? (error as Error & { code?: string }) : { name: typeof error };
  const place = stack?.slice(stack.indexOf('\n    at ') + 1);
  world.log.error(
    { request_id: requestId, route: route.path, error: name, error_code: code, place },
    'request failed',
  );
}

/** What an operator can do about an origin that is not allowed: a frame without an origin (`null`) cannot be allowed. */
const hintFor = (origin: string | undefined): string | undefined =>
  !origin?.includes('://')
    ? undefined
    : 'The browser keeps the response from the page. To allow this origin, add it to USHER_ALLOWED_ORIGINS (--allowed-origins).';

/**
 * One line for every outcome. A plain read that succeeded is not one: it is counted, and logged at `debug`, unless a browser
 * keeps its response from the page that asked.
 */
export function recordOutcome(world: World, outcome: Outcome, status: number, milliseconds: number): void {
  const { requestId, route, method, ip, userId, code, limit, rejectedOrigin } = outcome;
  world.metrics.request(route.path, method, status, milliseconds / 1000);
  const isPlainRead = status < 400 && method === 'GET' && rejectedOrigin === undefined;
  const level = isPlainRead ? 'debug' : 'info';
  if (!world.log.isLevelEnabled(level)) return;
  world.log[level](
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
