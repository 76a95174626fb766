import { GuardError } from './error.ts';

export type Role = 'user' | 'admin';

/** The timeout of a request to the issuer, in milliseconds. */
const TIMEOUT = 5_000;

/**
 * Asks the issuer for the user of a token and their current role (RFC 7662). The issuer accepts the token for nothing
 * else.
 *
 * @throws GuardError `invalid_token` if the session is not active, `unavailable` if the issuer gives no valid response.
 */
export async function fetchRole(
  issuer: string,
  token: string,
  fetch: typeof globalThis.fetch,
): Promise<{ id: string; role: string }> {
  let status: number;
  let body: { active?: unknown; sub?: unknown; role?: unknown };
  try {
    const response = await fetch(`${issuer}/v1/introspect`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ token }),
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT),
    });
    status = response.status;
    body = (await response.json()) as typeof body;
  } catch (cause) {
    throw new GuardError('unavailable', { cause });
  }
  const { active, sub, role } = body ?? {};
  if (status === 200 && active === false) throw new GuardError('invalid_token');
  if (status !== 200 || active !== true || typeof sub !== 'string' || typeof role !== 'string')
    throw new GuardError('unavailable', {
      cause: new Error(`Unexpected status ${status} from ${issuer}/v1/introspect.`),
    });
  return { id: sub, role };
}
