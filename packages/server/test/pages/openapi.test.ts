// The document and the page say what the table serves: what is in the table is in both, and nothing else is.
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import manifest from '../../package.json' with { type: 'json' };
import { configFromOptions } from '../../src/config.ts';
import { checkPolicy } from '../../src/core/passwords.ts';
import { type ErrorCode, errors } from '../../src/errors.ts';
import { route } from '../../src/http/route.ts';
import { openLanguages } from '../../src/languages/languages.ts';
import { english } from '../../src/languages/translator.ts';
import { openAssets } from '../../src/pages/assets.ts';
import { docsPage } from '../../src/pages/docs.tsx';
import { type OpenApi, type Operation, openApiOf } from '../../src/pages/openapi.ts';
import type { JsonSchema } from '../../src/pages/openapi-schemas.ts';
import { routes } from '../../src/routes.ts';
import { sessionTimeouts } from '../support/app.ts';
import { testClock } from '../support/clock.ts';

const publicUrl = 'http://localhost:4000';
const document = openApiOf(routes, publicUrl);

const linesOf = ({ paths }: OpenApi) =>
  Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => ({ method, path, operation })),
  );
const lines = linesOf(document);
const served = routes.filter(({ isPage }) => !isPage);

function operationOf(call: string): Operation {
  const found = lines.find(({ method, path }) => `${method.toUpperCase()} ${path}` === call);
  if (!found) throw new Error(`${call} is not in the document`);
  return found.operation;
}

/** What a route refuses, by status. */
function errorsOf({ responses }: Operation): Record<string, ErrorCode[]> {
  return Object.fromEntries(
    Object.entries(responses).flatMap(([status, { content }]) =>
      'application/problem+json' in content
        ? [[status, content['application/problem+json'].schema.allOf[1].properties.code.enum]]
        : [],
    ),
  );
}
const codesOf = (call: string) => Object.values(errorsOf(operationOf(call))).flat();

/** Every object below a value, with the way to it. */
function* objectsIn(value: unknown, at = '#'): Generator<[at: string, object: Record<string, unknown>]> {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) yield [at, value as Record<string, unknown>];
  for (const [key, below] of Object.entries(value)) yield* objectsIn(below, `${at}/${key}`);
}

describe('openApiOf', () => {
  it('says what it is, of which version, and where', () => {
    expect(document).toMatchObject({
      openapi: '3.1.1',
      info: { title: 'Usher', version: manifest.version },
      servers: [{ url: publicUrl }],
    });
  });

  it('is made once for a table and a URL', () => {
    expect(openApiOf(routes, publicUrl)).toBe(document);
    const other = openApiOf(routes, 'https://id.example.org');
    expect(other.servers).toEqual([{ url: 'https://id.example.org' }]);
    expect(openApiOf([...routes], publicUrl)).not.toBe(document);
  });

  it('has every route of the table that is not a page, and no other', () => {
    const inTable = served.map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`);
    expect(lines.map(({ method, path }) => `${method.toUpperCase()} ${path}`).sort()).toEqual(inTable.sort());
    expect(Object.keys(document.paths)).not.toContain('/docs');
    expect(JSON.stringify(document)).not.toContain('/setup');
  });

  it('names each operation once, in a way that can be read', () => {
    const ids = lines.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^(get|post|put|patch|delete)[A-Z][A-Za-z0-9]*$/);
    expect(operationOf('PATCH /v1/users/{id}').operationId).toBe('patchUsersById');
    expect(operationOf('POST /v1/users/{id}/logout-everywhere').operationId).toBe(
      'postUsersByIdLogoutEverywhere',
    );
    expect(operationOf('GET /.well-known/jwks.json').operationId).toBe('getWellKnownJwksJson');
  });

  it('declares every parameter of a path, and no other', () => {
    for (const { path, operation } of lines) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const declared = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path');
      expect(declared.map(({ name }) => name)).toEqual(inPath);
      for (const { required } of declared) expect(required).toBe(true);
    }
  });

  it('has the parameters of a query as its schema has them', () => {
    expect(operationOf('GET /v1/users').parameters).toContainEqual({
      name: 'limit',
      in: 'query',
      required: false,
      schema: { type: 'integer', minimum: 1, maximum: 100, default: 50 },
    });
  });

  it('refers only to what is there', () => {
    const refs = [...objectsIn(document)].flatMap(([, { $ref }]) => (typeof $ref === 'string' ? [$ref] : []));
    expect(refs).toContain('#/components/schemas/User');
    const places = new Set([...objectsIn(document)].map(([at]) => at));
    for (const ref of refs) expect(places).toContain(ref);
    const tags = document.tags.map(({ name }) => name);
    for (const { operation } of lines) {
      for (const tag of operation.tags) expect(tags).toContain(tag);
      for (const name of operation.security.flatMap((one) => Object.keys(one)))
        expect(Object.keys(document.components.securitySchemes)).toContain(name);
    }
  });

  it('describes the shapes once, by their names', () => {
    const names = Object.keys(document.components.schemas);
    expect(names.sort()).toEqual([
      'Device',
      'Event',
      'Invitation',
      'Problem',
      'RateLimit',
      'RecordedEvent',
      'Session',
      'Stats',
      'TokenPair',
      'User',
    ]);
    expect(JSON.stringify(document)).not.toContain('$defs');
  });

  it('has schemas that any reader of JSON Schema understands', () => {
    const schemas = schemasOf(document);
    expect(schemas.length).toBeGreaterThan(200);
    for (const [at, schema] of schemas) expectSchema(at, schema);
  });

  it('takes known fields alone, and leaves answers room to grow', () => {
    for (const { operation } of lines) {
      const body = operation.requestBody?.content['application/json'].schema;
      if (body) expect(body).toMatchObject({ type: 'object', additionalProperties: false });
    }
    for (const schema of Object.values(document.components.schemas))
      expect(schema.additionalProperties).toBeUndefined();
  });

  it('has an example for every body, which the route would take', () => {
    for (const { method, path, body } of served.filter((one) => one.body)) {
      const operation = operationOf(`${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`);
      const example = operation.requestBody?.content['application/json'].example;
      expect(example, `${method} ${path}`).toBeDefined();
      expect(body?.safeParse(example).success).toBe(true);
    }
    const { email } = operationOf('POST /v1/signin').requestBody?.content['application/json'].example ?? {};
    expect(email).toBe('ada@example.org');
  });

  it('shows passwords that are good enough here', () => {
    const passwords = lines.flatMap(({ operation }) =>
      Object.entries(operation.requestBody?.content['application/json'].example ?? {}).filter(([name]) =>
        name.endsWith('password'),
      ),
    );
    expect(passwords.length).toBeGreaterThan(4);
    const about = { username: 'ada', email: 'ada@example.org', service: 'Usher' };
    for (const [, password] of passwords) expect(checkPolicy(String(password), about, 8)).toBeUndefined();
  });

  it('needs a body where the route does', () => {
    expect(operationOf('POST /v1/signin').requestBody?.required).toBe(true);
    expect(operationOf('POST /v1/login').requestBody?.required).toBe(false);
    expect(operationOf('POST /v1/logout').requestBody).toBeUndefined();
    expect(operationOf('POST /v1/signin').requestBody?.description).toContain('case-insensitive');
  });

  it('answers as the table says', () => {
    for (const { method, path, responses: answers } of served) {
      const { responses } = operationOf(`${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`);
      expect(Object.keys(responses).filter((status) => status < '400')).toEqual(Object.keys(answers));
      for (const { description } of Object.values(responses)) expect(description).not.toBe('');
    }
    expect(operationOf('GET /metrics').responses['200']?.content).toEqual({
      'text/plain': { schema: { type: 'string' } },
    });
    expect(operationOf('POST /v1/login').responses['200']?.content).toEqual({
      'application/json': { schema: { $ref: '#/components/schemas/TokenPair' } },
    });
  });
});

describe('refusals', () => {
  it('have codes of the error table, all of them and no others', () => {
    const code = document.components.schemas.Problem?.properties?.code;
    expect(code).toMatchObject({ enum: Object.keys(errors) });
  });

  it('stand under the status that the error table gives them', () => {
    for (const { operation } of lines)
      for (const [status, codes] of Object.entries(errorsOf(operation))) {
        expect(codes).not.toEqual([]);
        for (const code of codes) expect(errors[code][0]).toBe(Number(status));
      }
  });

  it('include every one that the route names', () => {
    for (const { method, path, errors: own } of served)
      expect(codesOf(`${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`)).toEqual(expect.arrayContaining(own));
  });

  it('follow from who may call, the method and what is taken', () => {
    expect(errorsOf(operationOf('GET /healthz'))).toEqual({
      '400': ['duplicate_header'],
      '500': ['internal'],
    });
    expect(errorsOf(operationOf('GET /v1/me'))).toEqual({
      '400': ['multiple_credentials', 'duplicate_header', 'duplicate_cookie'],
      '401': ['unauthenticated', 'invalid_token'],
      '421': ['misdirected'],
      '500': ['internal'],
      '503': ['unavailable'],
    });
    expect(errorsOf(operationOf('PATCH /v1/users/{id}'))).toEqual({
      '400': [
        'invalid_json',
        'invalid_request',
        'invalid_path',
        'multiple_credentials',
        'duplicate_header',
        'duplicate_cookie',
      ],
      '401': ['unauthenticated', 'invalid_token', 'reauthentication_required'],
      '403': ['forbidden', 'password_change_required', 'cross_site_request'],
      '404': ['not_found'],
      '409': ['last_admin', 'identifier_taken'],
      '413': ['content_too_large'],
      '415': ['unsupported_media_type'],
      '421': ['misdirected'],
      '429': ['too_many_requests'],
      '500': ['internal'],
      '503': ['unavailable'],
    });
    expect(codesOf('POST /v1/logout')).not.toContain('unauthenticated');
    expect(codesOf('POST /v1/signin')).not.toContain('invalid_token');
    expect(codesOf('POST /v1/logout-everywhere')).not.toContain('invalid_json');
  });
});

describe('credentials', () => {
  it('are asked for as the table says', () => {
    expect(operationOf('POST /v1/signin').security).toEqual([]);
    expect(operationOf('GET /v1/me').security).toEqual([{ cookie: [] }, { bearer: [] }]);
    expect(operationOf('GET /v1/users').security).toEqual([{ cookie: [] }, { bearer: [] }]);
    expect(operationOf('POST /v1/logout').security).toEqual([{ cookie: [] }, { bearer: [] }, {}]);
    expect(operationOf('POST /v1/login').security).toEqual([{ basic: [] }, {}]);
    expect(operationOf('GET /metrics').security).toEqual([{ metrics: [] }]);
  });

  it.each([
    [publicUrl, 'usher'],
    ['https://id.example.org', '__Host-usher'],
  ])('at %s come in the cookie %s', (url, name) => {
    const { cookie } = openApiOf(routes, url).components.securitySchemes;
    expect(cookie).toMatchObject({ type: 'apiKey', in: 'cookie', name });
  });
});

describe('docsPage', () => {
  const config = configFromOptions({});
  const viewer = { formToken: () => '', language: () => 'en' };
  const context = {
    config,
    assets: openAssets(config),
    clock: testClock(),
    sessionTimeouts,
    languages: openLanguages({ folder: undefined, fallback: 'en' }),
    placeOf: () => '',
  };
  const { status, text = '', type, headers = {} } = docsPage(context, viewer, document);

  it('is a page that loads nothing but its style sheets', () => {
    expect({ status, type }).toEqual({ status: 200, type: 'text/html; charset=utf-8' });
    expect(headers['content-security-policy']).toContain("default-src 'none'; style-src 'self';");
    expect(headers['content-security-policy']).not.toContain('unsafe');
    expect(text).not.toMatch(/<script|style=|javascript:|\son\w+=/i);
    expect([...text.matchAll(/(?:src|href)="([^#"]+)"/g)].map(([, url]) => url)).toEqual([
      context.assets['mark.svg']?.url,
      context.assets['usher.css']?.url,
      context.assets['pages.css']?.url,
      '/',
      '/openapi.json',
    ]);
  });

  it('has every operation, in the contents and in full', () => {
    const shown = textOf(text);
    for (const { method, path, operation } of lines) {
      expect(text).toContain(`<h3 id="${operation.operationId}">`);
      expect(text.split(`href="#${operation.operationId}"`)).toHaveLength(3);
      expect(shown).toContain(`${method.toUpperCase()} ${path}`);
      expect(shown).toContain(operation.summary.replaceAll('`', ''));
    }
    for (const { name } of document.tags) expect(text).toContain(`>${name}</h2>`);
    for (const name of Object.keys(document.components.schemas)) expect(text).toContain(`<h3 id="${name}">`);
  });

  it('has one place for every link within it, and no place twice', () => {
    const ids = [...text.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const links = [...text.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id);
    for (const id of [...links, ...[...text.matchAll(/aria-labelledby="([^"]+)"/g)].map(([, one]) => one)])
      expect(ids).toContain(id);
  });

  it('lists each header of a credential once', () => {
    const table = text.slice(text.indexOf('Authentication</caption>')).split('</table>', 1)[0] ?? '';
    const headers = [...table.matchAll(/<th scope="row"><code>([^<]+)</g)].map(([, header]) => header);
    expect(headers).toEqual(['Cookie: usher', 'Authorization: Bearer', 'Authorization: Basic']);
    expect(textOf(table)).toContain('USHER_METRICS_TOKEN');
  });

  it('says what is taken and what is rejected', () => {
    const shown = textOf(partOf('patchUsersById'));
    for (const word of [
      'role',
      '"user" or "admin"',
      'disabled',
      'boolean',
      'identifier_taken',
      english('errors.identifier_taken'),
    ])
      expect(shown).toContain(word);
    expect(shown).toContain('Access: admin. Auth: session cookie or access token.');
    // The errors that all of them have are listed once, above them.
    expect(shown).not.toContain('forbidden');
    expect(textOf(text.slice(text.indexOf('id="admin-errors"')))).toContain(english('errors.forbidden'));
    for (const code of Object.keys(errors) as ErrorCode[]) {
      expect(textOf(text)).toContain(code);
      expect(textOf(text)).toContain(english(`errors.${code}`).replaceAll('`', ''));
    }
  });

  it.each([
    [
      'postSignin',
      `curl --request POST http://localhost:4000/v1/signin \\
  --header 'Content-Type: application/json' \\
  --data '{
    "email": "ada@example.org",
    "password": "a sentence that only you know"
  }'`,
    ],
    ['postLogin', 'curl --request POST http://localhost:4000/v1/login \\\n  --user ada'],
    [
      'patchUsersById',
      `curl --request PATCH "http://localhost:4000/v1/users/$ID" \\
  --header "Authorization: Bearer $TOKEN" \\
  --header 'Content-Type: application/json' \\
  --data '{
    "username": "ada"
  }'`,
    ],
    [
      'getMetrics',
      `curl http://localhost:4000/metrics \\\n  --header "Authorization: Bearer $METRICS_TOKEN"`,
    ],
    ['getHealthz', 'curl http://localhost:4000/healthz'],
  ])('shows how to call %s', (id, command) => {
    expect(exampleIn(partOf(id))).toBe(command);
  });

  it('writes what a table says as text, also when it looks like HTML or ends a quotation', () => {
    const evil = '<img src=x onerror=alert(1)>';
    const table = [
      route({
        method: 'POST',
        path: '/v1/evil',
        access: 'public',
        summary: evil,
        body: z.strictObject({ name: z.literal("it's").describe(evil), '<table>': z.string().optional() }),
        responses: { 200: z.object({ [evil]: z.literal(evil) }).describe(evil) },
        errors: [],
        handler: () => ({ status: 200 }),
      }),
    ];
    const { text: page = '' } = docsPage(context, viewer, openApiOf(table, publicUrl));
    expect(page).not.toContain('<img');
    expect(page.split('&lt;img src=x onerror=alert(1)&gt;').length - 1).toBe(5);
    expect(page).not.toContain('<code><table>');
    expect(page).toContain('&lt;table&gt;');
    expect(exampleIn(page)).toContain(`"name": "it'\\''s"`);
  });

  it('is written once for a document', () => {
    expect(docsPage(context, viewer, document)).toBe(docsPage(context, viewer, document));
  });

  function partOf(id: string): string {
    const start = text.indexOf(`<article aria-labelledby="${id}">`);
    expect(start).toBeGreaterThan(-1);
    return text.slice(start, text.indexOf('</article>', start));
  }
});

const exampleIn = (html: string): string => textOf(/<pre>(.*?)<\/pre>/s.exec(html)?.[1] ?? '');

/** What a reader sees of it. */
function textOf(html: string): string {
  const signs: Record<string, string> = { lt: '<', gt: '>', quot: '"', '#39': "'", amp: '&' };
  return html
    .replaceAll(/<[^>]*>/g, '')
    .replaceAll(/&(lt|gt|quot|#39|amp);/g, (_, name) => signs[name] ?? '');
}

/** Every schema of a document, those within schemas too. */
function schemasOf({ paths, components }: OpenApi): [at: string, schema: JsonSchema][] {
  const roots = [
    ...[...objectsIn(paths)].flatMap(([at, { schema }]) => (schema ? [[at, schema]] : [])),
    ...Object.entries(components.schemas),
  ] as [string, JsonSchema][];
  return roots.flatMap(([at, schema]) => within(at, schema));
}

function within(at: string, schema: JsonSchema): [at: string, schema: JsonSchema][] {
  const { properties = {}, items, additionalProperties, propertyNames, allOf = [], anyOf = [] } = schema;
  const below = [
    ...Object.values(properties),
    ...[items].flat(),
    additionalProperties,
    propertyNames,
    ...allOf,
    ...anyOf,
  ];
  return [
    [at, schema],
    ...below.flatMap((one) =>
      typeof one === 'object' ? within(`${at} > ${JSON.stringify(one).slice(0, 40)}`, one) : [],
    ),
  ];
}

const keywords = new Set([
  ...['$ref', 'allOf', 'anyOf', 'type', 'const', 'enum', 'default', 'description', 'format'],
  ...['properties', 'required', 'additionalProperties', 'propertyNames', 'items'],
  ...['minimum', 'maximum', 'maxLength', 'pattern'],
]);
const types = ['object', 'array', 'string', 'integer', 'number', 'boolean', 'null'];

function expectSchema(at: string, schema: JsonSchema): void {
  for (const keyword of Object.keys(schema)) expect(keywords, at).toContain(keyword);
  for (const type of [schema.type ?? []].flat()) expect(types, at).toContain(type);
  if (schema.enum) expect(new Set(schema.enum).size, at).toBe(schema.enum.length);
  if (schema.pattern) expect(() => new RegExp(schema.pattern ?? '', 'u'), at).not.toThrow();
  if (schema.type === 'array') expect(schema.items, at).toBeTypeOf('object');
  for (const name of schema.required ?? []) expect(Object.keys(schema.properties ?? {}), at).toContain(name);
}
