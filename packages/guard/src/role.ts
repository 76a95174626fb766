import { GuardRefusal } from './refusal.ts';

export type Role = 'user' | 'admin';

/** How long the issuer may take, in milliseconds. */
const PATIENCE = 5_000;

/**
 * Whose token this is and which role they have, as the issuer knows it at this moment.
 *
 * @throws GuardRefusal `invalid_token` when the issuer refuses the token, `unavailable` when it says nothing of use.
 */
export async function askRole(
  issuer: string,
  token: string,
  fetch: typeof globalThis.fetch,
): Promise<{ id: string; role: string }> {
  let status: number;
  let body: { user?: { id?: unknown; role?: unknown } };
  try {
    const response = await fetch(`${issuer}/v1/me`, {
      headers: { authorization: `Bearer ${token}` },
      redirect: 'error',
      signal: AbortSignal.timeout(PATIENCE),
    });
    status = response.status;
    body = (await response.json()) as typeof body;
  } catch (cause) {
    throw new GuardRefusal('unavailable', { cause });
  }
  if (status === 401) throw new GuardRefusal('invalid_token');
  const { id, role } = body?.user ?? {};
  if (status !== 200 || typeof id !== 'string' || typeof role !== 'string')
    throw new GuardRefusal('unavailable', { cause: new Error(`${issuer}/v1/me answered ${status}.`) });
  return { id, role };
}
