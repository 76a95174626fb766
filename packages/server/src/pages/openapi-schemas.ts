import { z } from 'zod';
import { type ErrorCode, errors } from '../errors.ts';

export type JsonSchema = z.core.JSONSchema.JSONSchema;

/** The named schemas of a document (`.meta({ id })`). */
export type Shapes = Record<string, JsonSchema>;

export const errorCodes = Object.keys(errors) as [ErrorCode, ...ErrorCode[]];

/** The body of every error; `problemResponse` in `http/responses` creates it. */
export const problemShape = z
  .object({
    type: z.literal('about:blank'),
    title: z.string().describe('Short summary of the error'),
    status: z.int().describe('HTTP status code'),
    code: z.enum(errorCodes).describe('Stable, machine-readable error code'),
    message: z.string().describe('Human-readable message; may change'),
    request_id: z.uuid().describe('Request ID for the log'),
    errors: z
      .array(
        z.object({
          field: z.string().describe('Field name; empty for the whole body'),
          code: z.string(),
          message: z.string(),
        }),
      )
      .optional()
      .describe('Errors by field'),
  })
  .meta({ id: 'Problem' });

/**
 * A zod schema as JSON Schema. Named schemas go to `shapes`, once, and are referenced.
 *
 * @param io `input` for requests, `output` for responses.
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
  // The format says the same; the pattern of a date alone has 280 characters.
  if (json.format !== undefined) delete json.pattern;
  // `z.int()` adds these only because JSON numbers have 53 bits.
  if (json.minimum === Number.MIN_SAFE_INTEGER) delete json.minimum;
  if (json.maximum === Number.MAX_SAFE_INTEGER) delete json.maximum;
  // Unknown fields in a request are rejected, but responses may gain fields, which clients should accept.
  if (io === 'output' && json.additionalProperties === false) delete json.additionalProperties;
}

/** The schema of each field of an object; empty for anything else. */
export const fieldsOf = (schema: JsonSchema): [name: string, field: JsonSchema][] =>
  Object.entries(schema.properties ?? {}).map(([name, field]) => [
    name,
    typeof field === 'boolean' ? {} : field,
  ]);

/** Example values by field name, where the schema alone gives a poor one. */
const samples: Record<string, string> = {
  username: 'ada',
  email: 'ada@example.org',
  password: 'a sentence that only you know',
  current_password: 'a sentence that only you know',
  new_password: 'another sentence nobody can guess',
  refresh_token: 'usher_r_...',
};

/**
 * The smallest body that the schema accepts. Rules across fields (one of two, at least one) are not in JSON Schema, so
 * each attempt is checked with the schema itself.
 *
 * @returns undefined if no attempt is accepted.
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
