import type { z } from 'zod';
import manifest from '../../package.json' with { type: 'json' };
import { cookieName } from '../http/credential.ts';
import type { Route } from '../http/route.ts';
import { type ErrorGroup, errorResponses } from './openapi-errors.ts';
import {
  fieldsOf,
  type JsonSchema,
  problemShape,
  type Shapes,
  sampleBody,
  toJsonSchema,
} from './openapi-schemas.ts';

/** The parts of OpenAPI 3.1 that this API uses. */
export interface OpenApi {
  openapi: '3.1.1';
  info: { title: string; version: string; description: string };
  servers: { url: string }[];
  tags: { name: string; description: string }[];
  /** By path, then by method in lower case. */
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Shapes; securitySchemes: Record<string, SecurityScheme> };
}

export interface Operation {
  operationId: string;
  tags: string[];
  summary: string;
  /** Any one of these is enough; an empty one means that none is required. */
  security: Record<string, string[]>[];
  parameters?: Parameter[];
  requestBody?: RequestBody;
  responses: Record<string, Success | ErrorGroup>;
}

export interface Parameter {
  name: string;
  in: 'path' | 'query';
  required: boolean;
  description?: string;
  schema: JsonSchema;
}

interface RequestBody {
  description?: string;
  required: boolean;
  content: { 'application/json': { schema: JsonSchema; example?: Record<string, unknown> } };
}

export interface Success {
  description: string;
  content: { 'application/json'?: { schema: JsonSchema }; 'text/plain'?: { schema: JsonSchema } };
}

export type SecurityScheme = { description: string } & (
  | { type: 'apiKey'; in: 'cookie'; name: string }
  | { type: 'http'; scheme: 'bearer' | 'basic'; bearerFormat?: 'JWT' }
);

const made = new WeakMap<readonly Route[], Map<string, OpenApi>>();
const encoded = new WeakMap<OpenApi, Uint8Array<ArrayBuffer>>();

/**
 * The document as JSON, encoded once: it is large, and anyone may request it. All responses share its bytes; a string
 * would be encoded for each.
 */
export function openApiBytes(routes: readonly Route[], publicUrl: string): Uint8Array<ArrayBuffer> {
  const document = openApiOf(routes, publicUrl);
  const bytes = encoded.get(document) ?? new TextEncoder().encode(JSON.stringify(document));
  encoded.set(document, bytes);
  return bytes;
}

/**
 * The API as an OpenAPI 3.1 document, from the route table; pages are not in it. The same table and URL return the same
 * object: do not change it.
 */
export function openApiOf(routes: readonly Route[], publicUrl: string): OpenApi {
  const known = made.get(routes) ?? new Map<string, OpenApi>();
  made.set(routes, known);
  const document = known.get(publicUrl) ?? makeDocument(routes, publicUrl);
  known.set(publicUrl, document);
  return document;
}

function makeDocument(routes: readonly Route[], publicUrl: string): OpenApi {
  const schemas: Shapes = {};
  const paths: OpenApi['paths'] = {};
  for (const route of routes) {
    if (route.isPage) continue;
    const path = route.path.replaceAll(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route, schemas) };
  }
  toJsonSchema(problemShape, 'output', schemas);
  return {
    openapi: '3.1.1',
    info: { title: 'Usher', version: manifest.version, description: DESCRIPTION },
    servers: [{ url: publicUrl }],
    tags: Object.entries(groups).map(([name, description]) => ({ name, description })),
    paths,
    components: { schemas, securitySchemes: securitySchemes(publicUrl) },
  };
}

const DESCRIPTION = `Sign-up, sign-in and sessions over HTTP. Bodies are JSON in UTF-8, times are RFC 3339 in UTC. Unknown fields are rejected.

Errors are problem documents (RFC 9457): use \`code\` in programs and show \`message\` to people.`;

const groups = {
  Public: 'Public endpoints. Sign up or sign in to get credentials.',
  Account: 'Account endpoints. Authenticate with the session cookie or an access token, not both.',
  Admin: 'User management. Requires the `admin` role.',
  Operations: 'Key set, token introspection, health checks and metrics.',
} as const;

function groupOf({ access, path }: Route): keyof typeof groups {
  if (access === 'admin') return 'Admin';
  if (access !== 'public') return 'Account';
  if (path === '/v1/introspect') return 'Operations';
  return path.startsWith('/v1/') ? 'Public' : 'Operations';
}

const securitySchemes = (publicUrl: string): OpenApi['components']['securitySchemes'] => ({
  cookie: {
    type: 'apiKey',
    in: 'cookie',
    name: cookieName(publicUrl),
    description: 'Session cookie, set at sign-up or sign-in and renewed on each request.',
  },
  bearer: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'Access token from `POST /v1/login` or `POST /v1/refresh`.',
  },
  basic: { type: 'http', scheme: 'basic', description: 'Username or email, and password.' },
  metrics: {
    type: 'http',
    scheme: 'bearer',
    description: 'For `GET /metrics`: the token set in `USHER_METRICS_TOKEN`.',
  },
});

/** Credentials that a handler reads itself. */
const ownCredentials: Record<string, Operation['security']> = {
  'POST /v1/login': [{ basic: [] }, {}],
  'GET /metrics': [{ metrics: [] }],
};

function securityOf({ method, path, access }: Route): Operation['security'] {
  const signedIn = [{ cookie: [] }, { bearer: [] }];
  if (access === 'public') return ownCredentials[`${method} ${path}`] ?? [];
  return access === 'optional' ? [...signedIn, {}] : signedIn;
}

function operationOf(route: Route, shapes: Shapes): Operation {
  const parameters = [
    ...parametersIn('path', route.params, shapes),
    ...parametersIn('query', route.query, shapes),
  ];
  const answers = Object.entries(route.responses).map(([status, schema]) => [
    status,
    successOf(status, schema, shapes),
  ]);
  return {
    operationId: operationIdOf(route),
    tags: [groupOf(route)],
    summary: route.summary,
    security: securityOf(route),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(route.body ? { requestBody: requestBodyOf(route, route.body, shapes) } : {}),
    responses: { ...Object.fromEntries(answers), ...errorResponses(route) },
  };
}

/** `PATCH /v1/users/:id` is `patchUsersById`. */
function operationIdOf({ method, path }: Route): string {
  const readable = path.replace(/^\/v1\//, '').replaceAll(':', 'by-');
  const words = readable.match(/[A-Za-z0-9]+/g) ?? [];
  return method.toLowerCase() + words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
}

function parametersIn(place: Parameter['in'], schema: z.ZodType | undefined, shapes: Shapes): Parameter[] {
  if (!schema) return [];
  const json = toJsonSchema(schema, 'input', shapes);
  return fieldsOf(json).map(([name, { description, ...rest }]) => ({
    name,
    in: place,
    required: place === 'path' || json.required?.includes(name) === true,
    ...(description === undefined ? {} : { description }),
    schema: rest,
  }));
}

function requestBodyOf({ optionalBody, anyCase }: Route, schema: z.ZodType, shapes: Shapes): RequestBody {
  const { description, ...json } = toJsonSchema(schema, 'input', shapes);
  const example = sampleBody(schema, json);
  const notes = [description, anyCase && 'Field names are case-insensitive.'];
  return {
    ...(notes.some(Boolean) ? { description: notes.filter(Boolean).join(' ') } : {}),
    required: !optionalBody,
    content: { 'application/json': { schema: json, ...(example ? { example } : {}) } },
  };
}

function successOf(status: string, schema: z.ZodType | undefined, shapes: Shapes): Success {
  return {
    description: status === '201' ? 'Created' : 'Success',
    content: schema
      ? { 'application/json': { schema: toJsonSchema(schema, 'output', shapes) } }
      : { 'text/plain': { schema: { type: 'string' } } },
  };
}
