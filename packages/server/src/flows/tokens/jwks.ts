import { z } from 'zod';
import type { AppContext } from '../../context.ts';
import type { RouteResponse } from '../../http/route.ts';

export const jwksShape = z
  .object({ keys: z.array(z.record(z.string(), z.string())) })
  .describe('A JSON Web Key Set (RFC 7517)');

/** The public keys of access tokens. A new key is published for twice `max-age` before it signs. */
export const jwks = ({ keyring, clock }: Pick<AppContext, 'keyring' | 'clock'>): RouteResponse => ({
  status: 200,
  body: { keys: keyring.published(clock.now()).map((key) => key.publicJwk) },
  headers: { 'cache-control': 'public, max-age=300', 'cross-origin-resource-policy': 'cross-origin' },
});
