import type { Route } from '../edge/route.ts';
import { type ErrorCode, errors } from '../errors.ts';
import { errorCodes, type JsonSchema } from './openapi-schemas.ts';

/** The errors of the checks around a handler (`edge/answering`), and the routes that have them. */
const shared: [codes: ErrorCode[], isFor: (route: Route) => boolean][] = [
  [['duplicate_header', 'internal'], () => true],
  // Health checks accept any host, and list their own errors.
  [['misdirected', 'unavailable'], ({ anyHost }) => !anyHost],
  [['cross_site'], ({ method }) => method !== 'GET'],
  [['ambiguous_credentials', 'invalid_token'], ({ who }) => who !== 'anyone'],
  [['duplicate_cookie'], ({ who, method }) => who !== 'anyone' || method !== 'GET'],
  [['unauthenticated'], ({ who }) => who === 'session' || who === 'admin'],
  [
    ['password_change_required'],
    ({ who, beforePasswordChange }) => (who === 'session' || who === 'admin') && !beforePasswordChange,
  ],
  [['fresh_sign_in_required'], ({ needsFreshSignIn }) => needsFreshSignIn === true],
  [['forbidden'], ({ who }) => who === 'admin'],
  [['invalid_request'], ({ body, query, params }) => Boolean(body ?? query ?? params)],
  // An ID may contain an encoded slash.
  [['invalid_path'], ({ params }) => params !== undefined],
  [['invalid_json', 'payload_too_large', 'unsupported_media_type'], ({ body }) => body !== undefined],
];

/** Every error that a route can return, its own and the shared ones, in the order of the error table. */
function refusalsOf(route: Route): ErrorCode[] {
  const given = new Set([
    ...route.errors,
    ...shared.flatMap(([codes, isFor]) => (isFor(route) ? codes : [])),
  ]);
  return errorCodes.filter((code) => given.has(code));
}

export interface Refusals {
  description: string;
  content: { 'application/problem+json': { schema: { allOf: [JsonSchema, OfStatus] } } };
}

/** The part of a problem that depends on its status. */
interface OfStatus {
  type: 'object';
  properties: { status: { const: number }; code: { enum: ErrorCode[] } };
}

/** The errors of a route by status, as OpenAPI responses. */
export function refusalResponses(route: Route): Record<string, Refusals> {
  const byStatus = Object.groupBy(refusalsOf(route), (code) => errors[code][0]);
  return Object.fromEntries(
    Object.entries(byStatus).map(([status, codes = []]) => [status, refusalResponse(Number(status), codes)]),
  );
}

function refusalResponse(status: number, codes: ErrorCode[]): Refusals {
  const problem = { $ref: '#/components/schemas/Problem' };
  const these: OfStatus = {
    type: 'object',
    properties: { status: { const: status }, code: { enum: codes } },
  };
  return {
    description: codes.map((code) => `- \`${code}\`: ${errors[code][2]}`).join('\n'),
    content: { 'application/problem+json': { schema: { allOf: [problem, these] } } },
  };
}
