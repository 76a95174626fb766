import type { AppContext } from '../../context.ts';
import { HttpError } from '../../errors.ts';
import { readAuthorization } from '../../http/authorization.ts';
import type { Call, RouteResponse } from '../../http/route.ts';
import { equalSecrets } from '../../platform/secrets.ts';

/** Liveness: the process responds. Does not query the database, since a restart would not fix an unavailable one. */
export const healthz = (): RouteResponse => ({ status: 200, body: { status: 'ok' } });

/** Readiness: the database responds and shutdown has not begun. */
export async function readyz(context: AppContext): Promise<RouteResponse> {
  if (context.isStopping()) throw new HttpError('stopping', { retryAfter: 2 });
  await context.ping();
  return { status: 200, body: { status: 'ready' } };
}

/** The metrics, for callers with the token of `USHER_METRICS_TOKEN`; not found without that setting. */
export async function metrics(
  { config, metrics }: Pick<AppContext, 'config' | 'metrics'>,
  { headers }: Pick<Call, 'headers'>,
): Promise<RouteResponse> {
  if (!config.metricsToken) throw new HttpError('not_found');
  const given = readAuthorization(headers.get('authorization'));
  if (given?.scheme !== 'bearer' || !equalSecrets(given.token, config.metricsToken.reveal()))
    throw new HttpError('unauthenticated');
  return { status: 200, ...(await metrics.text()) };
}
