/** In milliseconds; a server slower than this is useless to its clients. */
const TIMEOUT = 5_000;

export interface Health {
  isHealthy: boolean;
  /** The status that the server reported (`ok`, `ready`), or why there is none. */
  status: string;
  /** Whether anything answered. */
  isReached: boolean;
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
      isReached: true,
    };
  } catch (error) {
    return { isHealthy: false, status: reasonOf(error as Error), isReached: false };
  }
}

/** A failure is a problem document with a code. */
function statusOf({ status }: Response, body: unknown): string {
  if (status === 200) return hasText(body, 'status') ? body.status : 'another program answers';
  return hasText(body, 'code') ? body.code : `HTTP ${status}`;
}

const hasText = <Name extends string>(body: unknown, name: Name): body is Record<Name, string> =>
  typeof body === 'object' && body !== null && typeof (body as Record<string, unknown>)[name] === 'string';

/** What a client of HTTP reports, in words. */
const faults: Record<string, string> = {
  ECONNREFUSED: 'no server is listening there',
  ECONNRESET: 'the server closed the connection without an answer',
  UND_ERR_SOCKET: 'the server closed the connection without an answer',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'the network cannot be reached',
  ENOTFOUND: 'the host name is unknown',
  EAI_AGAIN: 'the host name could not be looked up',
};

/** The cause of "fetch failed" says what actually failed. */
function reasonOf({ name, message, cause }: Error): string {
  if (name === 'TimeoutError') return `no answer within ${TIMEOUT / 1_000} seconds`;
  const { code = '', message: detail = '' } = (cause ?? {}) as NodeJS.ErrnoException;
  return faults[code] ?? (detail || code || message);
}
