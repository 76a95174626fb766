import type { World } from '../../context.ts';
import { readAuthorization } from '../../edge/authorization.ts';
import type { Answer, Call } from '../../edge/route.ts';
import { Refusal } from '../../errors.ts';
import { equalSecrets } from '../../platform/secrets.ts';

/** Alive: the process answers. It asks nothing of the database, whose absence no restart would mend. */
export const healthz = (): Answer => ({ status: 200, body: { status: 'ok' } });

/** Ready for requests: the database answers and no stop has begun. */
export async function readyz(world: World): Promise<Answer> {
  if (world.isStopping()) throw new Refusal('stopping', { retryAfter: 2 });
  await world.ping();
  return { status: 200, body: { status: 'ready' } };
}

/** The metrics, to who has the token of `USHER_METRICS_TOKEN`; without that setting there is nothing here. */
export async function metrics(
  { config, metrics }: Pick<World, 'config' | 'metrics'>,
  { headers }: Pick<Call, 'headers'>,
): Promise<Answer> {
  if (!config.metricsToken) throw new Refusal('not_found');
  const given = readAuthorization(headers.get('authorization'));
  if (given?.scheme !== 'bearer' || !equalSecrets(given.token, config.metricsToken.reveal()))
    throw new Refusal('unauthenticated');
  return { status: 200, ...(await metrics.text()) };
}
