import { type ErrorCode, errors } from '../errors.ts';
import type { Route } from '../http/route.ts';
import { english } from '../languages/translator.ts';
import { errorCodes, type JsonSchema } from './openapi-schemas.ts';

/** The errors of the checks around a handler (`http/handle-request`), and the routes that have them. */
const shared: [codes: ErrorCode[], isFor: (route: Route) => boolean][] = [
  [['duplicate_header', 'internal'], () => true],
  // Health checks accept any host, and list their own errors.
  [['misdirected', 'unavailable'], ({ anyHost }) => !anyHost],
  [['cross_site_request'], ({ method }) => method !== 'GET'],
  [['multiple_credentials', 'invalid_token'], ({ access }) => access !== 'public'],
  [['duplicate_cookie'], ({ access, method }) => access !== 'public' || method !== 'GET'],
  [['unauthenticated'], ({ access }) => access === 'user' || access === 'admin'],
  [
    ['password_change_required'],
    ({ access, allowedBeforePasswordChange }) =>
      (access === 'user' || access === 'admin') && !allowedBeforePasswordChange,
  ],
  [['reauthentication_required'], ({ requiresReauthentication }) => requiresReauthentication === true],
  [['forbidden'], ({ access }) => access === 'admin'],
  [['invalid_request'], ({ body, query, params }) => Boolean(body ?? query ?? params)],
  // An ID may contain an encoded slash.
  [['invalid_path'], ({ params }) => params !== undefined],
  [['invalid_json', 'content_too_large', 'unsupported_media_type'], ({ body }) => body !== undefined],
];

/** Every error that a route can return, its own and the shared ones, in the order of the error table. */
function errorsOf(route: Route): ErrorCode[] {
  const given = new Set([
    ...route.errors,
    ...shared.flatMap(([codes, isFor]) => (isFor(route) ? codes : [])),
  ]);
  return errorCodes.filter((code) => given.has(code));
}

export interface ErrorGroup {
  description: string;
  content: { 'application/problem+json': { schema: { allOf: [JsonSchema, OfStatus] } } };
}

/** The part of a problem that depends on its status. */
interface OfStatus {
  type: 'object';
  properties: { status: { const: number }; code: { enum: ErrorCode[] } };
}

/** The errors of a route by status, as OpenAPI responses. */
export function errorResponses(route: Route): Record<string, ErrorGroup> {
  const byStatus = Object.groupBy(errorsOf(route), (code) => errors[code][0]);
  return Object.fromEntries(
    Object.entries(byStatus).map(([status, codes = []]) => [status, errorResponse(Number(status), codes)]),
  );
}

function errorResponse(status: number, codes: ErrorCode[]): ErrorGroup {
  const problem = { $ref: '#/components/schemas/Problem' };
  const these: OfStatus = {
    type: 'object',
    properties: { status: { const: status }, code: { enum: codes } },
  };
  return {
    description: codes.map((code) => `- \`${code}\`: ${english(`errors.${code}`)}`).join('\n'),
    content: { 'application/problem+json': { schema: { allOf: [problem, these] } } },
  };
}
