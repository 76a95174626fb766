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

/** One line for every outcome. A plain read that succeeded is not one: it is counted, and logged at `debug`. */
export function recordOutcome(world: World, outcome: Outcome, status: number, milliseconds: number): void {
  const { requestId, route, method, ip, userId, code, limit } = outcome;
  world.metrics.request(route.path, method, status, milliseconds / 1000);
  const level = status < 400 && method === 'GET' ? 'debug' : 'info';
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
    },
    'request',
  );
}
