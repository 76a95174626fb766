import { errors, type HttpError } from '../errors.ts';
import type { Translator } from '../languages/translator.ts';
import type { RouteResponse } from './route.ts';

const VARY = 'Origin, Cookie, Authorization';

/** Headers of every response. The policy applies to documents that are not pages; pages set their own. */
const always = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  vary: VARY,
  'x-content-type-options': 'nosniff',
};

const JSON_TYPE = 'application/json; charset=utf-8';
const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';

/**
 * The headers of every response; for https installations including Strict-Transport-Security (RFC 6797).
 *
 * @param hstsSubdomains Whether it includes all subdomains of the host.
 */
export function commonHeaders(publicUrl: string, hstsSubdomains: boolean): Readonly<Record<string, string>> {
  if (!publicUrl.startsWith('https:')) return always;
  const subdomains = hstsSubdomains ? '; includeSubDomains' : '';
  return { ...always, 'strict-transport-security': `max-age=63072000${subdomains}` };
}

/** Converts a route's response to a standard Response. */
export function toResponse(
  response: RouteResponse,
  common: Readonly<Record<string, string>>,
  more: Record<string, string>,
  cookies: readonly string[] = [],
): Response {
  const { status, body, type } = response;
  const text = response.stream ?? response.bytes ?? response.text;
  const content = text ?? (body === undefined ? null : JSON.stringify(body));
  const contentType = text === undefined ? JSON_TYPE : (type ?? 'text/plain; charset=utf-8');
  const record: Record<string, string> = {
    ...common,
    ...(content === null ? {} : { 'content-type': contentType }),
    ...response.headers,
    ...more,
  };
  if (cookies[0] !== undefined) record['set-cookie'] = cookies[0];
  // Only a list can hold the same name twice; a plain record is faster.
  const headers = cookies.length < 2 ? record : withCookies(record, cookies.slice(1));
  return new Response(content, { status, headers });
}

function withCookies(record: Record<string, string>, cookies: string[]): Headers {
  const headers = new Headers(record);
  for (const cookie of cookies) headers.append('set-cookie', cookie);
  return headers;
}

/** The headers of a response with text for people. */
export const inLanguage = ({ language }: Translator): Record<string, string> => ({
  'content-language': language,
  vary: `${VARY}, Accept-Language`,
});

/** An error as a problem document (RFC 9457). */
export function problemResponse(error: HttpError, requestId: string, t: Translator): RouteResponse {
  const headers: Record<string, string> = { ...inLanguage(t), 'content-type': PROBLEM_TYPE };
  // RFC 9110, 15.5.2, and RFC 6750, 3.1: without a credential no `error` is named.
  if (error.status === 401) headers['www-authenticate'] = 'Bearer realm="usher"';
  if (error.code === 'invalid_token') headers['www-authenticate'] += ', error="invalid_token"';
  if (error.retryAfter !== undefined)
    headers['retry-after'] = String(Math.max(1, Math.ceil(error.retryAfter)));
  return {
    status: error.status,
    body: {
      type: 'about:blank',
      title: errors[error.code][1],
      status: error.status,
      code: error.code,
      message: t(error.text),
      ...(error.fields ? { errors: error.fields.map((one) => ({ ...one, message: t(one.message) })) } : {}),
      request_id: requestId,
    },
    headers: { ...headers, ...error.headers },
  };
}
