// Writes packages/client/src/api.ts from the route table, by way of the OpenAPI document; reference.ts calls it. So the
// client's types always match the server's schemas.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const file = 'packages/client/src/api.ts';

interface Schema {
  $ref?: string;
  type?: string | string[];
  const?: unknown;
  enum?: unknown[];
  anyOf?: Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  description?: string;
}

interface Parameter {
  name: string;
  in: 'path' | 'query';
  required: boolean;
  schema: Schema;
}

type Content = Record<string, { schema: Schema }>;

interface Operation {
  summary: string;
  parameters?: Parameter[];
  requestBody?: { required: boolean; content: Content };
  responses: Record<string, { content?: Content }>;
}

export interface Document {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
}

/** The types of a document: its named schemas, and every operation under `/v1/`. */
export function writeTypes({ paths, components }: Document): string {
  const shapes = Object.entries(components.schemas).map(
    ([name, schema]) => `export interface ${name} ${typeOf(schema)}`,
  );
  const calls = Object.entries(paths)
    .filter(([path]) => path.startsWith('/v1/'))
    .flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) =>
        callOf(`${method.toUpperCase()} ${path}`, operation),
      ),
    );
  return [
    '// Written by `npm run reference` from packages/server/src/routes.ts. Change that table.',
    ...shapes,
    `/** Every call of the API, by method and path. */\nexport interface Calls {\n${calls.join('\n')}\n}`,
  ].join('\n\n');
}

function callOf(name: string, { summary, parameters = [], requestBody, responses }: Operation): string {
  const members = [
    ...(['path', 'query'] as const).map((place) => parametersOf(place, parameters)),
    requestBody && `body${requestBody.required ? '' : '?'}: ${typeOf(schemaOf(requestBody.content))};`,
    `response: ${answerOf(responses)};`,
  ];
  return `/** ${summary}. */\n'${name}': { ${members.filter(Boolean).join(' ')} };`;
}

function parametersOf(place: Parameter['in'], parameters: Parameter[]): string | undefined {
  const found = parameters.filter((one) => one.in === place);
  const needed = found.some((one) => one.required);
  const properties = Object.fromEntries(found.map(({ name, schema }) => [name, schema]));
  const required = found.filter((one) => one.required).map(({ name }) => name);
  const name = `${place}${needed ? '' : '?'}`;
  return found.length > 0 ? `${name}: ${typeOf({ type: 'object', properties, required })};` : undefined;
}

const answerOf = (responses: Operation['responses']): string =>
  Object.entries(responses)
    .filter(([status]) => status.startsWith('2'))
    .map(([, { content }]) => typeOf(schemaOf(content)))
    .join(' | ');

const schemaOf = (content: Content = {}): Schema => content['application/json']?.schema ?? {};

/** A schema as a TypeScript type; constraints that a type cannot express are dropped. */
function typeOf(schema: Schema): string {
  if (schema.$ref) return schema.$ref.split('/').at(-1) ?? 'unknown';
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((one) => JSON.stringify(one)).join(' | ');
  if (schema.anyOf) return schema.anyOf.map(typeOf).join(' | ');
  if (Array.isArray(schema.type)) return schema.type.map((type) => typeOf({ ...schema, type })).join(' | ');
  switch (schema.type) {
    case 'object':
      return objectOf(schema);
    case 'array':
      return `(${typeOf(schema.items ?? {})})[]`;
    case 'integer':
    case 'number':
      return 'number';
    case 'string':
    case 'boolean':
    case 'null':
      return schema.type;
    default:
      return 'unknown';
  }
}

function objectOf({ properties, required = [], additionalProperties }: Schema): string {
  if (!properties) {
    const values = typeof additionalProperties === 'object' ? typeOf(additionalProperties) : 'unknown';
    return `Record<string, ${values}>`;
  }
  const members = Object.entries(properties).map(([name, schema]) => {
    const comment = schema.description ? `/** ${schema.description.replace(/\.$/, '')}. */\n` : '';
    // Callers often build objects with undefined for an absent value; JSON omits it.
    return required.includes(name)
      ? `${comment}${name}: ${typeOf(schema)};`
      : `${comment}${name}?: ${typeOf(schema)} | undefined;`;
  });
  return `{ ${members.join('\n')} }`;
}

function format(text: string): string {
  const { stdout, stderr, status } = spawnSync(
    resolve(root, 'node_modules/.bin/biome'),
    ['format', `--stdin-file-path=${file}`],
    { cwd: root, input: text, encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`biome could not format the types.\n${stderr}`);
  return stdout;
}

/** Writes the file. With `checking`, only reports whether it is stale, and sets the exit code. */
export async function keepClientTypes(checking: boolean): Promise<void> {
  const built = resolve(root, 'packages/server/dist');
  const { routes } = await import(`${built}/routes.js`);
  const { openApiOf } = await import(`${built}/pages/openapi.js`);
  const text = format(writeTypes(openApiOf(routes, 'http://localhost:4000')));
  const target = resolve(root, file);
  if (existsSync(target) && readFileSync(target, 'utf8') === text) {
    console.log(`${file}: current`);
  } else if (checking) {
    console.error(`${file}: stale. Run \`npm run reference\`.`);
    process.exitCode = 1;
  } else {
    writeFileSync(target, text);
    console.log(`${file}: written`);
  }
}
