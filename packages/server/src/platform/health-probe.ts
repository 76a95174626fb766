/** In milliseconds; a server slower than this is useless to its clients. */
const TIMEOUT = 5_000;

export interface Health {
  isHealthy: boolean;
  /** The status that the server reported (`ok`, `ready`), or why there is none. */
  status: string;
}

/**
 * Requests a server's health.
 *
 * @param url A health check, such as `http://127.0.0.1:4000/readyz`.
 */
export async function probeHealth(url: URL): Promise<Health> {
  try {
    const response = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(TIMEOUT) });
    const body: unknown = await response.json().catch(() => undefined);
    return {
      isHealthy: response.status === 200 && hasText(body, 'status'),
      status: statusOf(response, body),
    };
  } catch (error) {
    return { isHealthy: false, status: reasonOf(error as Error) };
  }
}

/** A failure is a problem document with a code. */
function statusOf({ status }: Response, body: unknown): string {
  if (status === 200) return hasText(body, 'status') ? body.status : 'another program answers';
  return hasText(body, 'code') ? body.code : `HTTP ${status}`;
}

const hasText = <Name extends string>(body: unknown, name: Name): body is Record<Name, string> =>
  typeof body === 'object' && body !== null && typeof (body as Record<string, unknown>)[name] === 'string';

/** The cause of "fetch failed" says what actually failed. */
function reasonOf({ name, message, cause }: Error): string {
  if (name === 'TimeoutError') return `no answer within ${TIMEOUT / 1_000} seconds`;
  const { code = message, message: detail = '' } = (cause ?? {}) as NodeJS.ErrnoException;
  return detail || code;
}
