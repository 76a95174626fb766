/**
 * Whether a request is a CORS preflight (Fetch standard). A preflight never carries a credential, so a guard that
 * rejects it blocks every request of a page on another origin. Anyone can send one, so the guard responds to it itself
 * and no route runs without a token.
 */
export const isPreflight = (method: string | undefined, requestMethod: string | null | undefined): boolean =>
  method === 'OPTIONS' && typeof requestMethod === 'string' && requestMethod !== '';

/** The header that makes an OPTIONS request a preflight. */
export const REQUEST_METHOD = 'access-control-request-method';
