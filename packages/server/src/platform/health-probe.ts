/** In milliseconds; a server that takes longer is of no use to anyone who waits for it. */
const TIMEOUT = 5_000;

export interface Health {
  isHealthy: boolean;
  /** What the server said of itself (`ok`, `ready`), or why there is no such answer. */
  status: string;
}

/**
 * Asks a server how it is.
 *
 * @param url Of a health check, such as `http://127.0.0.1:4000/readyz`.
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

/** A failure is a problem document, whose code names it. */
function statusOf({ status }: Response, body: unknown): string {
  if (status === 200) return hasText(body, 'status') ? body.status : 'another program answers';
  return hasText(body, 'code') ? body.code : `HTTP ${status}`;
}

const hasText = <Name extends string>(body: unknown, name: Name): body is Record<Name, string> =>
  typeof body === 'object' && body !== null && typeof (body as Record<string, unknown>)[name] === 'string';

/** Beneath "fetch failed" stands what failed. */
function reasonOf({ name, message, cause }: Error): string {
  if (name === 'TimeoutError') return `no answer within ${TIMEOUT / 1_000} seconds`;
  const { code = message, message: detail = '' } = (cause ?? {}) as NodeJS.ErrnoException;
  return detail || code;
}
