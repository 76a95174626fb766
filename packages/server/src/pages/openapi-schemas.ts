import { z } from 'zod';
import { type ErrorCode, errors } from '../errors.ts';

export type JsonSchema = z.core.JSONSchema.JSONSchema;

/** Where the schemas of a document stand that have a name (`.meta({ id })`). */
export type Shapes = Record<string, JsonSchema>;

export const errorCodes = Object.keys(errors) as [ErrorCode, ...ErrorCode[]];

/** What every refusal answers; `problemOf` in `edge/replies` makes it. */
export const problemShape = z
  .object({
    type: z.literal('about:blank'),
    title: z.string().describe('The kind of refusal, in a few words'),
    status: z.int().describe('The HTTP status again'),
    code: z.enum(errorCodes).describe('Stable: what a program should look at'),
    message: z.string().describe('A sentence for people; it may become more exact'),
    request_id: z.uuid().describe('Names the request in the log'),
    errors: z
      .array(
        z.object({
          field: z.string().describe('Its name as the API writes it; empty for the whole body'),
          code: z.string(),
          message: z.string(),
        }),
      )
      .optional()
      .describe('What is wrong with which field'),
  })
  .meta({ id: 'Problem' });

/**
 * A zod schema as JSON Schema. What has a name goes to `shapes`, once, and is referred to.
 *
 * @param io whether it describes what is sent to us or what we send.
 */
export function toJsonSchema(schema: z.ZodType, io: 'input' | 'output', shapes: Shapes): JsonSchema {
  const {
    $schema: _,
    $defs,
    ...json
  } = z.toJSONSchema(schema, { io, override: ({ jsonSchema }) => tidy(jsonSchema, io) });
  const inComponents = (part: object): JsonSchema =>
    JSON.parse(JSON.stringify(part).replaceAll('"#/$defs/', '"#/components/schemas/'));
  for (const [name, shape] of Object.entries($defs ?? {})) shapes[name] = inComponents(shape);
  return inComponents(json);
}

function tidy(json: JsonSchema, io: 'input' | 'output'): void {
  // The format says it; the pattern of a date alone is 280 characters.
  if (json.format !== undefined) delete json.pattern;
  // What `z.int()` adds only says that JSON numbers have 53 bits.
  if (json.minimum === Number.MIN_SAFE_INTEGER) delete json.minimum;
  if (json.maximum === Number.MAX_SAFE_INTEGER) delete json.maximum;
  // An unknown field in a request is refused, but an answer may gain fields: no client should refuse one for that.
  if (io === 'output' && json.additionalProperties === false) delete json.additionalProperties;
}

/** The schema of each field of an object; none for what is not an object. */
export const fieldsOf = (schema: JsonSchema): [name: string, field: JsonSchema][] =>
  Object.entries(schema.properties ?? {}).map(([name, field]) => [
    name,
    typeof field === 'boolean' ? {} : field,
  ]);

/** Values for examples by the name of their field, where the schema alone would give a poor one. */
const samples: Record<string, string> = {
  username: 'ada',
  email: 'ada@example.org',
  password: 'a sentence that only you know',
  current_password: 'a sentence that only you know',
  new_password: 'another sentence nobody can guess',
  refresh_token: 'usher_r_...',
};

/**
 * A body that the schema accepts, with as few fields as that takes. Rules across fields (one of two, at least one) are
 * not in JSON Schema, so each attempt is shown to the schema itself.
 *
 * @returns undefined when no attempt is accepted.
 */
export function sampleBody(schema: z.ZodType, json: JsonSchema): Record<string, unknown> | undefined {
  const fields = fieldsOf(json);
  const optional = fields.map(([name]) => name).filter((name) => !json.required?.includes(name));
  const attempts = [[], ...optional.map((name) => [name]), optional].map((more) =>
    Object.fromEntries(
      fields
        .filter(([name]) => more.includes(name) || !optional.includes(name))
        .map(([name, field]) => [name, sampleValue(name, field)]),
    ),
  );
  return attempts.find((attempt) => schema.safeParse(attempt).success);
}

function sampleValue(
  name: string,
  { type, enum: choices, const: only, default: usual, minimum }: JsonSchema,
): unknown {
  const given = usual ?? only ?? choices?.[0] ?? samples[name];
  if (given !== undefined) return given;
  if (type === 'boolean') return true;
  if (type === 'integer' || type === 'number') return minimum ?? 1;
  if (type === 'array') return [];
  return name;
}
